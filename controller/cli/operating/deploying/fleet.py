"""`edgerank deploy fleet`: agents brought to all boards of a file."""

import asyncio
from pathlib import Path

import click
from rich.console import Console

from controller.cli.interrupting import heard_by_a_loop
from controller.cli.operating.deploying.asked import asked_fleet
from controller.cli.operating.deploying.hosts import Host, read_hosts
from controller.cli.operating.deploying.many import Progress, deploy_all
from controller.cli.operating.deploying.options import (
    addresses_option,
    offline_option,
    python_archives_option,
    read_archives,
    runner_folder_option,
    runtimes_option,
    up_within_option,
)
from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.deployment import Deployment, Wanted
from controller.server.deploying.examining import Tell, examined
from controller.server.deploying.ssh import logged_in
from controller.views.counting import counted
from protos.runtimes import Runtime


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@runtimes_option
@runner_folder_option
@python_archives_option
@offline_option
@addresses_option
@up_within_option("3m")
@controller_option
@says_failures
def fleet(
    *,
    file: Path,
    runtimes: tuple[Runtime, ...],
    runner_folder: Path | None,
    archives: tuple[str, ...],
    offline: bool,
    addresses: tuple[str, ...],
    up_ms: int,
    address: str,
) -> None:
    """Bring agents to all boards of a file, eight at a time.

    Each as 'deploy ssh' does, and one that fails keeps no other from it. Nobody is asked: a host
    that is not known yet has its host-key in the file.

    \b
    Example:
      edgerank deploy fleet hosts.yaml --offline
    """
    hosts = read_hosts(file)
    brought = read_archives(archives)
    with asked_fleet(address, addresses) as asked:

        async def one(host: Host, tell: Tell) -> str:
            wanted = Wanted(
                name=host.name,
                labels=host.labels,
                runtimes=runtimes,
                offline=offline,
                up_s=up_ms / 1_000,
                paddlelite_python=host.paddlelite_python,
                paddlelite_bin=host.paddlelite_bin,
                runner_folder=host.runner_folder_or(runner_folder),
            )
            async with logged_in(host.target, lambda _key: False) as shell:
                fit = await examined(shell, runtimes, tell, offline=offline, archives=brought)
                done = await Deployment(shell, fit, asked, tell).deploy(wanted)
            changed = "" if done.changed else ": nothing was to be changed"
            return f"{done.device.name} reports{changed}"

        with heard_by_a_loop():
            outcomes = asyncio.run(deploy_all(hosts, one, Progress(Console(), hosts)))
    failed = [each.host.spelt for each in outcomes if each.failed]
    if failed:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{counted(len(failed), 'board')} of {len(hosts)} failed ({', '.join(failed)}); put "
            "right what is told of each, and run the same command again: what is done stays",
        )
