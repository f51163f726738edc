"""A board looked at, and whatever of it does not serve told."""

from collections.abc import Callable, Sequence

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board, Python, examine
from controller.server.deploying.fitness import (
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


async def examined(
    shell: Shell, runtimes: Sequence[Runtime], tell: Tell, *, offline: bool
) -> tuple[Board, Python]:
    """A board that can run an agent, but perhaps for the room on its disk.

    Raises:
        EdgerankError: PRECONDITION with the one obstacle, or after each was told.
    """
    tell(f"looking at {shell.where}")
    board = await examine(shell)
    found = list(obstacles(board, runtimes, offline=offline))
    python = chosen_python(board, offline=offline)
    if python is None or any(each.kind is not Obstacle.ROOM for each in found):
        raise in_the_way(shell, found, tell)
    version = ".".join(map(str, python.version))
    tell(f"{board.machine}, Python {version}, {board.service.value}, in {board.base}")
    for remark in remarks(board):
        tell(f"note: {remark.sentence}")
    return board, python


def in_the_way(shell: Shell, found: Sequence[Finding], tell: Tell) -> EdgerankError:
    """The failure of a board that cannot run an agent; several obstacles are told before."""
    if len(found) == 1:
        words = found[0].sentence
    else:
        for each in found:
            tell(f"- {each.sentence}")
        words = f"{len(found)} things are in the way, as told above"
    return EdgerankError(ErrorCode.PRECONDITION, f"{shell.where} cannot run an agent: {words}")
