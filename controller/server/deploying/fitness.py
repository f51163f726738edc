"""What of a board does not serve, each in one sentence with the next step: pure functions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.quantities import format_memory
from controller.server.deploying.board import Board, Python, Service
from protos.runtimes import Runtime

NEEDED_BYTES: Final = 600_000_000
"""An environment with ONNX Runtime takes 223 MB; the wheels and the one before lie beside it."""
LEAST_GLIBC: Final = (2, 28)
LEAST_PYTHON: Final = (3, 10)
LAST_PYTHON: Final = (3, 13)
MACHINES: Final = ("x86_64", "aarch64")
CLOCK_S: Final = 120
"""From how many seconds on a clock that is wrong is told."""
_YEAR_S: Final = 31_557_600
_DAY_S: Final = 86_400


class Obstacle(Enum):
    """Why a board cannot run an agent."""

    SYSTEM = "system"
    MACHINE = "machine"
    USERLAND = "userland"
    MUSL = "musl"
    GLIBC = "glibc"
    NO_PYTHON = "no_python"
    NO_VENV = "no_venv"
    ROOM = "room"
    PADDLE_LITE = "paddle_lite"


OF_PYTHON: Final = (Obstacle.NO_PYTHON, Obstacle.NO_VENV)
"""What another Python is brought along for."""


class Remark(Enum):
    """What is told of a board, and does not keep it from running an agent."""

    CLOCK = "clock"
    NO_SYSTEMD = "no_systemd"


@dataclass(frozen=True)
class Finding:
    """Something of a board, with a sentence of it."""

    kind: Obstacle | Remark
    sentence: str


def chosen_python(board: Board, *, offline: bool) -> Python | None:
    """The interpreter that the agent would run in; `offline` brings pip along."""
    fitting = [each for each in _right_versions(board) if each.bits == 64]
    able = (each for each in fitting if each.makes_environments and (each.has_pip or offline))
    return next(able, None)


def obstacles(board: Board, runtimes: Iterable[Runtime], *, offline: bool) -> Iterator[Finding]:
    """All that is in the way of an agent with these runtimes; `offline` brings every wheel."""
    if board.system != "Linux":
        yield Finding(
            Obstacle.SYSTEM, f"it runs {board.system or 'no Linux'}, and agents run on Linux only"
        )
        return
    if board.machine not in MACHINES:
        yield Finding(
            Obstacle.MACHINE,
            f"its processor runs as {board.machine}, for which the runtimes have no wheels: "
            "install a 64-bit system on it, if the processor has one",
        )
    elif _is_of_32_bits(board):
        yield Finding(
            Obstacle.USERLAND,
            f"its kernel is {board.machine} and its programs are of 32 bits, for which the "
            "runtimes have no wheels: install the 64-bit system of the same kind",
        )
    yield from _library(board)
    yield from _python(board, offline=offline)
    yield from room(board)
    python = chosen_python(board, offline=offline)
    is_for_paddle_lite = board.machine == "x86_64" and python and python.version == (3, 10)
    if Runtime.PADDLELITE in runtimes and not is_for_paddle_lite:
        yield Finding(
            Obstacle.PADDLE_LITE,
            "Paddle Lite's wheel is for x86-64 and Python 3.10 only: deploy with --runtimes "
            "onnxruntime",
        )


def room(board: Board, besides_bytes: int = 0) -> Iterator[Finding]:
    """Whether another environment, and so much, fits on its disk; matters where one is made."""
    needed_bytes = NEEDED_BYTES + besides_bytes
    if board.free_bytes is not None and board.free_bytes < needed_bytes:
        yield Finding(
            Obstacle.ROOM,
            f"{format_memory(board.free_bytes)} are free where {board.base} would be, and "
            f"{format_memory(needed_bytes)} are needed: make room there",
        )


def remarks(board: Board) -> Iterator[Finding]:
    """What is worth knowing of a board that serves."""
    ahead_s = board.clock_ahead_s
    if abs(ahead_s) > CLOCK_S:
        way = "ahead" if ahead_s > 0 else "behind"
        yield Finding(
            Remark.CLOCK,
            f"its clock is {_span(abs(ahead_s))} {way}: set it, as with 'sudo timedatectl set-ntp "
            "true', since certificates end by the clock",
        )
    if board.service is Service.SCRIPT:
        yield Finding(
            Remark.NO_SYSTEMD,
            "it has no systemd for this user: a script of ours keeps the agent running until the "
            "board restarts; run the same command again then",
        )


def _library(board: Board) -> Iterator[Finding]:
    least = _dotted(LEAST_GLIBC)
    if board.is_musl:
        yield Finding(
            Obstacle.MUSL,
            f"its C library is musl, and the runtimes' wheels need glibc {least} or newer: install "
            "a system with glibc, as Debian",
        )
    elif board.glibc is not None and board.glibc < LEAST_GLIBC:
        yield Finding(
            Obstacle.GLIBC,
            f"its glibc is {_dotted(board.glibc)}, and the runtimes' wheels need {least} or newer: "
            "update its system, as to Debian 12 or Ubuntu 22.04",
        )


def _python(board: Board, *, offline: bool) -> Iterator[Finding]:
    if chosen_python(board, offline=offline) is not None:
        return
    lacking = [each for each in _right_versions(board) if each.bits == 64]
    if _right_versions(board) and not lacking and _is_of_32_bits(board):
        # What is told of the system is all that is wrong with these.
        return
    if lacking:
        version = _dotted(lacking[0].version)
        lacks_pip = any(each.makes_environments for each in lacking)
        yield Finding(
            Obstacle.NO_VENV,
            f"its Python {version} cannot make environments: install the module, as with "
            f"'sudo apt install python{version}-venv'"
            + (", or bring pip along by --offline" if lacks_pip else ""),
        )
    else:
        there = ", ".join(dict.fromkeys(_dotted(each.version) for each in board.pythons))
        broken = "".join(f", {path} does not start" for path in board.broken_pythons)
        # The system's package is the one that is there.
        advice = (
            "bring one along by --python-archive, or install one beside it"
            if there or broken
            else "install one, as with 'sudo apt install python3 python3-venv', or bring one along "
            "by --python-archive"
        )
        yield Finding(
            Obstacle.NO_PYTHON,
            f"it has no Python {_dotted(LEAST_PYTHON)} to {_dotted(LAST_PYTHON)} "
            f"({there or 'none'} found{broken}): {advice}",
        )


def _right_versions(board: Board) -> list[Python]:
    return [each for each in board.pythons if LEAST_PYTHON <= each.version <= LAST_PYTHON]


def _is_of_32_bits(board: Board) -> bool:
    """Whether its programs are, whatever its kernel is."""
    has_no_other = bool(board.pythons) and all(each.bits == 32 for each in board.pythons)
    return board.user_bits == 32 or has_no_other


def _span(seconds: int) -> str:
    for unit, each_s in (("years", _YEAR_S), ("days", _DAY_S), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * each_s:
            return f"{seconds // each_s} {unit}"
    return f"{seconds} s"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
