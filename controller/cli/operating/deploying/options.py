"""Options that several commands of `edgerank deploy` share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
import platformdirs

from controller.cli.options.values import Converted, read_runtimes
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.quantities import parse_time_ms
from controller.server.deploying.brought.python_archive import PythonArchive, named_archive
from controller.server.deploying.releases import is_board_path
from protos.runtimes import Runtime


def read_board_path(text: str) -> str:
    """A whole path of a board, as it is.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    if not is_board_path(text):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{text!a} is no whole path: write one, as /usr/bin/python3"
        )
    return text


def read_archives(named: Sequence[str]) -> list[PythonArchive]:
    """The archives of `--python-archive`; one at an address is fetched once.

    Raises:
        EdgerankError: one cannot be had, or holds no Python.
    """
    cache = platformdirs.user_cache_path("edgerank") / "pythons"
    return [named_archive(each, cache) for each in named]


# Boards are reached by SSH so far.
way_argument: Final = click.argument(
    "way", metavar="ssh", type=click.Choice(["ssh"]), expose_value=False
)
runtimes_option: Final = click.option(
    "--runtimes",
    metavar="NAME,NAME",
    type=Converted("runtimes", read_runtimes),
    default=Runtime.ONNXRUNTIME.value,
    show_default=True,
    help="Those that are installed there; paddlelite is for x86-64 and Python 3.10 only.",
)
paddlelite_python_option: Final = click.option(
    "--paddlelite-python",
    metavar="PATH",
    type=Converted("path", read_board_path),
    help="A Python of the board, 3.10 or newer, in which you installed Paddle Lite.",
)
paddlelite_bin_option: Final = click.option(
    "--paddlelite-bin",
    metavar="PATH",
    type=Converted("path", read_board_path),
    help="Paddle Lite's own benchmark_bin that you built for the board, where it is there; as of "
    "'edgerank agent'.",
)
python_archives_option: Final = click.option(
    "--python-archive",
    "archives",
    metavar="FILE|URL#sha256=DIGEST",
    multiple=True,
    help="A relocatable Python, as an install_only archive of python-build-standalone, for a board "
    "whose own does not serve; repeatable, one for each architecture.",
)
runner_folder_option: Final = click.option(
    "--runner-folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Measure there with the native runner of this folder on this side, which 'make native' "
    "prints: edgerank-runner and, unless an installed package has it, its runtime's library, or "
    "folders of these by architecture.",
)
offline_option: Final = click.option(
    "--offline",
    is_flag=True,
    help="Download every wheel here: the board needs no package index.",
)
addresses_option: Final = click.option(
    "--address",
    "addresses",
    metavar="HOST:PORT",
    multiple=True,
    help="Where the board reaches the controller; repeatable.  [default: its own addresses]",
)


def up_within_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How long an agent may take until it reports, by default so long."""
    return click.option(
        "--up-within",
        "up_ms",
        metavar="TIME",
        type=Converted("time", parse_time_ms),
        default=default,
        show_default=True,
        help="How long the agent may take until it reports.",
    )
