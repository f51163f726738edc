"""`edgerank deploy adb`: a phone that hangs on this computer, brought into the fleet."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from controller.cli.operating.deploying.asked import asked_fleet
from controller.cli.operating.deploying.options import addresses_option
from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.domain.errors import EdgerankError, ErrorCode

_PROGRAM: Final = (sys.executable, "-m", "controller.cli.main", "agent")


# Each as 'edgerank agent' has it, to which it is passed on.
_PASSED_ON: Final = (
    click.option("--name", help="What people call the device.  [default: its model and serial]"),
    click.option(
        "--label", metavar="KEY=VALUE", multiple=True, help="Anything worth knowing of it."
    ),
    click.option(
        "--runner-folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where edgerank-runner and its runtime's library for the phone are, or folders of "
        "them by architecture.",
    ),
    click.option(
        "--paddlelite-bin",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="Paddle Lite's own benchmark_bin for the phone.",
    ),
    click.option(
        "--onnxruntime-perf-test",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="ONNX Runtime's own onnxruntime_perf_test for the phone.",
    ),
    click.option(
        "--root",
        is_flag=True,
        help="As root of the phone, hold its governor at performance while it measures.",
    ),
    click.option(
        "--screen",
        type=click.Choice(["as-is", "on", "off"]),
        help="What the phone's screen is to do while it measures.  [default: as-is]",
    ),
    click.option(
        "--pulse",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        help="How often it is asked for a sign of life.  [default: 15]",
    ),
    click.option(
        "--power-cycle",
        metavar="COMMAND",
        help="What this computer's shell runs when the phone hangs.",
    ),
    click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for the phone's identity and unsent reports.  [default: the user's data "
        "folder]",
    ),
)


def _passed_on(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of the bridge that a phone of one's own may need."""
    for option in reversed(_PASSED_ON):
        command = option(command)
    return command


@click.command()
@click.argument("serial", metavar="[SERIAL]", default="")
@_passed_on
@addresses_option
@controller_option
@says_failures
def adb(*, serial: str, addresses: tuple[str, ...], address: str, **said: object) -> None:
    """Bring a phone that hangs on this computer into the fleet, and speak for it until Ctrl-C.

    An adb server has to run, and the phone to trust this computer. It is looked at, gets the runner
    and the runtime's library, and joins by a token that is good for it alone. Started again, it is
    the same device. The options are those of 'edgerank agent --adb'.

    \b
    Examples:
      edgerank deploy adb --runner-folder runners
      edgerank deploy adb 1A2B3C4D --runner-folder runners --label room=lab --screen off
    """
    if serial == "all":
        raise click.UsageError(
            "a token is good for one phone: bring one after the other, or make a token of as many "
            "uses as there are phones and start 'edgerank agent --adb all --join @FILE'"
        )
    asked = ["--adb", serial] if serial else ["--adb"]
    with _way(address, addresses) as (way, token):
        code = _speak([*asked, *_arguments(said), *way], token)
    sys.exit(code)


def _arguments(said: Mapping[str, object]) -> Iterator[str]:
    """Options as a command line has them; of what nobody said there is nothing."""
    for name, value in said.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
        elif isinstance(value, tuple):
            yield from (f"{option}={each}" for each in value)
        elif value not in (None, False):
            yield f"{option}={value}"


@contextmanager
def _way(address: str, addresses: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """How the bridge is told of the controller, and a token for one phone until the bridge ends.

    A controller that listens on this machine alone knows no tokens, and needs none.
    """
    with asked_fleet(address, addresses) as fleet:
        try:
            token, token_id = fleet.make_token(None)
        except EdgerankError as error:
            if error.code is not ErrorCode.PRECONDITION:
                raise
            yield ("--controller", address), ""
            return
        try:
            yield ("--join", "-"), token
        finally:
            fleet.revoke_token(token_id)


def _speak(arguments: Sequence[str], token: str) -> int:
    """Run the bridge until it ends; its exit code.

    What ends this process ends the bridge, which takes its leave. Ctrl-C reaches both.
    """
    with subprocess.Popen([*_PROGRAM, *arguments], stdin=subprocess.PIPE, text=True) as bridge:
        signal.signal(signal.SIGTERM, lambda *_: bridge.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert bridge.stdin is not None
        bridge.stdin.write(f"{token}\n")
        bridge.stdin.close()
        return bridge.wait()
