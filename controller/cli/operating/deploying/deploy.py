"""`edgerank deploy`: agents brought to boards, and looked after there."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from controller.cli.operating.deploying.adb import adb
from controller.cli.operating.deploying.asked import asked_fleet
from controller.cli.operating.deploying.fleet import fleet
from controller.cli.operating.deploying.options import (
    addresses_option,
    offline_option,
    paddlelite_bin_option,
    paddlelite_python_option,
    python_archives_option,
    read_archives,
    runner_folder_option,
    runtimes_option,
    up_within_option,
    way_argument,
)
from controller.cli.operating.deploying.printing import print_deployed, print_status
from controller.cli.operating.deploying.steps import Steps
from controller.cli.operating.deploying.target import on_board, target_options
from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.values import Converted, read_label
from controller.cli.printing.documents import print_json
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import examine
from controller.server.deploying.deployment import Deployed, Deployment, Wanted
from controller.server.deploying.examining import examined
from controller.server.deploying.installed import Installed
from controller.server.deploying.ssh import Shell, Target
from controller.server.deploying.status import status_of
from controller.server.deploying.upgrading import upgrade as upgrade_of
from protos.names import are_labels
from protos.runtimes import Runtime


@click.group()
def deploy() -> None:
    """Bring agents to boards and phones, and look after them there.

    \b
    Examples:
      edgerank deploy ssh pi@raspberrypi.local
      edgerank deploy ssh pi@10.0.0.7 --name kitchen --label room=lab --offline
      edgerank deploy status ssh pi@raspberrypi.local
      edgerank deploy logs ssh pi@raspberrypi.local
      edgerank deploy upgrade ssh pi@raspberrypi.local
      edgerank deploy remove ssh pi@raspberrypi.local
      edgerank deploy fleet hosts.yaml
      edgerank deploy adb --runner-folder runners
    """


deploy.add_command(adb)
deploy.add_command(fleet)


@deploy.command()
@target_options
@click.option("--name", help="What people call the device.  [default: the board's host name]")
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    type=Converted("label", read_label),
    help="Anything worth knowing of the device; repeatable.",
)
@runtimes_option
@paddlelite_python_option
@paddlelite_bin_option
@runner_folder_option
@python_archives_option
@offline_option
@click.option(
    "--rejoin",
    is_flag=True,
    help="Let it join by another token; as the device of its name, where there is one.",
)
@addresses_option
@up_within_option("3m")
@controller_option
@says_failures
def ssh(
    *,
    target: Target,
    name: str | None,
    labels: tuple[tuple[str, str], ...],
    runtimes: tuple[Runtime, ...],
    paddlelite_python: str | None,
    paddlelite_bin: str | None,
    runner_folder: Path | None,
    archives: tuple[str, ...],
    offline: bool,
    rejoin: bool,
    addresses: tuple[str, ...],
    up_ms: int,
    address: str,
) -> None:
    """Bring an agent to a board over SSH, and wait until it reports.

    It logs in as ssh does: with your keys, agent, ~/.ssh/config and known hosts, and without a
    password. A host that is not known yet is asked for. A second time it changes nothing, and
    another version or another option takes the place of what runs at once.

    \b
    Examples:
      edgerank deploy ssh pi@raspberrypi.local
      edgerank deploy ssh pi@10.0.0.7 --name kitchen --label room=lab --offline
      edgerank deploy ssh root@board --address lab.example.org:7700
      edgerank deploy ssh pi@raspberrypi.local --runner-folder runners
    """
    if not are_labels(dict(labels)):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "these labels cannot be kept: write KEY=VALUE, as in room=lab"
        )
    wanted = Wanted(
        name=name,
        labels=dict(labels),
        runtimes=runtimes,
        offline=offline,
        rejoin=rejoin,
        up_s=up_ms / 1_000,
        paddlelite_python=paddlelite_python,
        paddlelite_bin=paddlelite_bin,
        runner_folder=runner_folder,
    )
    brought = read_archives(archives)
    with asked_fleet(address, addresses) as asked:

        async def work(shell: Shell, steps: Steps) -> Deployed:
            fit = await examined(
                *(shell, wanted.runtimes, steps.tell), offline=offline, archives=brought
            )
            return await Deployment(shell, fit, asked, steps.tell).deploy(wanted)

        print_deployed(Console(), on_board(target, work))


@deploy.command()
@way_argument
@target_options
@runner_folder_option
@python_archives_option
@offline_option
@up_within_option("60s")
@controller_option
@says_failures
def upgrade(
    *,
    target: Target,
    runner_folder: Path | None,
    archives: tuple[str, ...],
    offline: bool,
    up_ms: int,
    address: str,
) -> None:
    """Bring this version of edgerank to a board that has another.

    Name, labels, runtimes and native runner stay. What does not report in time is taken back.

    \b
    Example:
      edgerank deploy upgrade ssh pi@raspberrypi.local
    """
    brought = read_archives(archives)
    with asked_fleet(address) as asked:

        async def work(shell: Shell, steps: Steps) -> Deployed:
            fit = await examined(shell, (), steps.tell, offline=offline, archives=brought)
            deployment = Deployment(shell, fit, asked, steps.tell)
            return await upgrade_of(
                deployment, offline=offline, up_s=up_ms / 1_000, runner_folder=runner_folder
            )

        print_deployed(Console(), on_board(target, work))


@deploy.command()
@way_argument
@target_options
@controller_option
@json_option
@says_failures
def status(*, target: Target, address: str, as_json: bool) -> None:
    """Tell how an agent stands, on its board and in the fleet.

    \b
    Examples:
      edgerank deploy status ssh pi@raspberrypi.local
      edgerank deploy status ssh pi@raspberrypi.local --json
    """
    with asked_fleet(address) as asked:

        async def work(shell: Shell, steps: Steps) -> Any:
            return await status_of(await _installed(shell, steps), asked)

        told = on_board(target, work)
    if as_json:
        print_json(told)
    else:
        print_status(Console(), told)


@deploy.command()
@way_argument
@target_options
@click.option(
    "--last",
    "lines",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="How many lines.",
)
@says_failures
def logs(*, target: Target, lines: int) -> None:
    """Print what an agent said last on its board.

    \b
    Example:
      edgerank deploy logs ssh pi@raspberrypi.local --last 20
    """

    async def work(shell: Shell, steps: Steps) -> list[str]:
        return await (await _installed(shell, steps)).log(lines)

    for line in on_board(target, work):
        click.echo(line)


@deploy.command()
@way_argument
@target_options
@click.option("--with-state", is_flag=True, help="Its identity and unsent reports, too.")
@says_failures
def remove(*, target: Target, with_state: bool) -> None:
    """Stop the agent of a board, and remove it there.

    Its identity and the reports that were not delivered yet stay, so that the same device comes
    back when an agent is deployed again.

    \b
    Examples:
      edgerank deploy remove ssh pi@raspberrypi.local
      edgerank deploy remove ssh pi@raspberrypi.local --with-state
    """

    async def work(shell: Shell, steps: Steps) -> None:
        installed = await _installed(shell, steps)
        steps.tell("stopping the agent and removing it")
        await installed.remove(with_state=with_state)

    on_board(target, work)
    stays = "" if with_state else "; its identity and unsent reports stay"
    click.echo(f"no agent is on {target.spelt} any more{stays}")


async def _installed(shell: Shell, steps: Steps) -> Installed:
    steps.tell(f"looking at {shell.where}")
    return Installed(shell, await examine(shell))
