"""Every wheel that a board needs, downloaded on this side for its processor and Python."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board, Python
from controller.server.deploying.ssh import LONG_S, Said
from protos.runtimes import Runtime

# Where wheels of this age say what they need at least; older glibc is refused before.
_OLDEST_GLIBC_MINOR: Final = 17
# pip reads conditions on the Python's version for its own Python, not for the board's: these are
# what packages of an agent need on older ones.
_OF_OLDER_PYTHONS: Final = ("exceptiongroup", "typing-extensions")
# A board's Python may come without it, and with one that is years old.
_PIP: Final = "pip"


def requirement(wheel: Path | str, runtimes: Sequence[Runtime]) -> str:
    """What pip installs: the wheel, with the extras of an agent with these runtimes."""
    extras = ",".join(("agent", *sorted(each.value for each in runtimes)))
    return f"{wheel}[{extras}]"


def platforms(board: Board) -> list[str]:
    """The tags of wheels that run on a board, those for the newest glibc first."""
    _major, minor = board.glibc or (2, 28)
    newest_first = range(minor, _OLDEST_GLIBC_MINOR - 1, -1)
    modern = [f"manylinux_2_{each}_{board.machine}" for each in newest_first]
    older = ("manylinux2014", *(("manylinux2010", "manylinux1") * (board.machine == "x86_64")))
    return [*modern, *(f"{each}_{board.machine}" for each in older), f"linux_{board.machine}"]


async def download_wheels(
    wheel: Path, runtimes: Sequence[Runtime], board: Board, python: Python, folder: Path
) -> None:
    """Puts the wheels of all that ours needs, and of pip, into a folder.

    Raises:
        EdgerankError: EXECUTION with pip's last words, PRECONDITION without pip.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--only-binary", ":all:", "--implementation", "cp", "--dest", str(folder)),
        *("--python-version", ".".join(map(str, python.version))),
    ]
    for platform in platforms(board):
        command += ["--platform", platform]
    done = await _run([*command, requirement(wheel, runtimes), *_OF_OLDER_PYTHONS, _PIP])
    if "No module named pip" in done.err:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"wheels are downloaded by pip, which {sys.executable} lacks; install it with "
            f"'{sys.executable} -m ensurepip', or let the board download them, without --offline",
        )
    if done.code != 0:
        version = ".".join(map(str, python.version))
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the wheels for {board.machine} and Python {version} cannot be downloaded "
            f"({done.last_words()}); see that this machine reaches a package index, and run the "
            "same command again",
        )


async def _run(command: Sequence[str]) -> Said:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LONG_S)
    except asyncio.TimeoutError:
        return Said(1, "", f"pip took longer than {LONG_S / 60:.0f} min")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    code = process.returncode or 0
    return Said(code, out.decode(errors="replace"), err.decode(errors="replace"))
