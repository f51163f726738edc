"""Another version of edgerank for a board that has one."""

from pathlib import Path

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.deployment import Deployed, Deployment, Wanted


async def upgrade(
    deployment: Deployment, *, offline: bool, up_s: float, runner_folder: Path | None
) -> Deployed:
    """Brings this edgerank to a board on which another was deployed, told the same.

    Args:
        deployment: to the board.
        offline: whether every wheel comes from this side.
        up_s: how long the agent may take until its device reports, in seconds.
        runner_folder: with a native runner for the place of the one that is there; None keeps it.

    Raises:
        EdgerankError: NOTHING_FOUND where none was; else as `deploy`.
    """
    standing = await deployment.installed.look()
    if standing.settings is None:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"nothing is deployed on {deployment.shell.where}; do so with 'edgerank deploy ssh "
            f"{deployment.shell.where}'",
        )
    settings = standing.settings
    wanted = Wanted(
        name=settings.name,
        labels=settings.labels,
        runtimes=settings.runtimes,
        up_s=up_s,
        paddlelite_python=settings.paddlelite_python,
        paddlelite_bin=settings.paddlelite_bin,
        runner_folder=runner_folder,
        native_runner=settings.native_runner,
        offline=offline,
    )
    return await deployment.deploy(wanted)
