"""A board looked at, and whatever of it does not serve told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board, Python, examine
from controller.server.deploying.brought.python_archive import PythonArchive, archive_for
from controller.server.deploying.fitness import (
    OF_PYTHON,
    Finding,
    Obstacle,
    chosen_python,
    obstacles,
    remarks,
)
from controller.server.deploying.ssh import Shell
from protos.runtimes import Runtime

Tell = Callable[[str], None]
"""Whom a step, or a note, is told."""


@dataclass(frozen=True)
class Fit:
    """A board that can run an agent, but perhaps for the room on its disk.

    Attributes:
        board: what it is.
        python: the interpreter that the agent would run in.
        archive: where that one is brought along in; None where it is the board's.
    """

    board: Board
    python: Python
    archive: PythonArchive | None


async def examined(
    shell: Shell,
    runtimes: Sequence[Runtime],
    tell: Tell,
    *,
    offline: bool,
    archives: Sequence[PythonArchive] = (),
) -> Fit:
    """A board that can run an agent, but perhaps for the room on its disk.

    Args:
        shell: the board.
        runtimes: that are to be installed.
        tell: whom each step is told.
        offline: whether every wheel is brought along.
        archives: of Pythons, which serve where the board's own does not.

    Raises:
        EdgerankError: PRECONDITION with the one obstacle, or after each was told.
    """
    tell(f"looking at {shell.where}")
    board = await examine(shell)
    found = list(obstacles(board, runtimes, offline=offline))
    python, archive = chosen_python(board, offline=offline), None
    if python is None and (archive := archive_for(board, archives)) is not None:
        python = archive.on(board)
        found = [each for each in found if each.kind not in OF_PYTHON]
    if python is None or any(each.kind is not Obstacle.ROOM for each in found):
        raise in_the_way(shell, found, tell)
    version = ".".join(map(str, python.version))
    whose = "" if archive is None else f" of {archive.path.name}"
    tell(f"{board.machine}, Python {version}{whose}, {board.service.value}, in {board.base}")
    for remark in remarks(board):
        tell(f"note: {remark.sentence}")
    return Fit(board, python, archive)


def in_the_way(shell: Shell, found: Sequence[Finding], tell: Tell) -> EdgerankError:
    """The failure of a board that cannot run an agent; several obstacles are told before."""
    if len(found) == 1:
        words = found[0].sentence
    else:
        for each in found:
            tell(f"- {each.sentence}")
        words = f"{len(found)} things are in the way, as told above"
    return EdgerankError(ErrorCode.PRECONDITION, f"{shell.where} cannot run an agent: {words}")
