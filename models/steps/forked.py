"""Work in a fork of this process, beside what this process goes on with.

A fork has the network in memory already, and shares it until one of both writes to it. It is bound
by the same limits, cut off the network like its parent, and ends with it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, NoReturn, TypeVar

from models.steps.parent import bind_to_parent
from models.steps.refusal import StepRefused

Result = TypeVar("Result")

_FORKING = multiprocessing.get_context("fork")


class Forked(AbstractContextManager["Forked[Result]"], Generic[Result]):
    """Work that a fork of this process does; its result has to be small.

    Leaving it ends a fork whose result nobody waited for.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        """Start the work. Whatever threads there are stay behind, so none may hold a lock."""
        self._receiver, sender = _FORKING.Pipe(duplex=False)
        self._process = _FORKING.Process(target=_do, args=(work, sender, os.getpid()))
        self._process.start()
        # The fork's end alone is left, so that its death ends the waiting.
        sender.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the fork unless it has ended."""
        self._process.kill()
        self._process.join()
        self._receiver.close()

    def result(self) -> Result:
        """Wait for the result; of a fork that died, die like it.

        Raises:
            StepRefused: the work did.
        """
        outcome: Result | StepRefused
        try:
            outcome = self._receiver.recv()
        except EOFError:
            self._process.join()
            _die_as(self._process.exitcode or 1)
        self._process.join()
        if isinstance(outcome, StepRefused):
            raise outcome
        return outcome


def _do(work: Callable[[], Result], sender: Connection, parent_pid: int) -> None:
    bind_to_parent(parent_pid)
    try:
        sender.send(work())
    except StepRefused as refusal:
        sender.send(refusal)


def _die_as(exitcode: int) -> NoReturn:
    """End this process as another ended, whose last words are on stderr already."""
    sys.stderr.flush()
    if exitcode < 0:
        os.kill(os.getpid(), -exitcode)
    raise SystemExit(exitcode)
