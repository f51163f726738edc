"""What an agent of a schedule tells who drives it, and what it is answered before it goes on."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from tests.faults.schedules import Stage

_ORPHANED: Final = 70


@dataclass(frozen=True, kw_only=True)
class Told:
    """An agent came to a stage.

    Attributes:
        stage: which one.
        attempt_id: of what; empty where it is of none, or not known there.
        report: encoded, of an agent that has one.
    """

    stage: Stage
    attempt_id: str = ""
    report: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How an agent goes on.

    Attributes:
        crashes: whether what it measures crashes.
        forgets: whether a report that is committed leaves its spool.
        clock_ms: what is added to its clock from now on, ms; None as before.
    """

    crashes: bool = False
    forgets: bool = True
    clock_ms: int | None = None


class Teller:
    """An agent's end: it stands still until it is answered, and ends with who drives it."""

    def __init__(self, pipe: "Connection", on_clock: Callable[[int], None]) -> None:
        self._pipe = pipe
        self._on_clock = on_clock
        self._lock = threading.Lock()

    def tell(self, told: Told) -> Reply:
        """Tell it, and wait for how to go on."""
        with self._lock:
            try:
                self._pipe.send(told)
                reply: Reply = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(_ORPHANED)
        if reply.clock_ms is not None:
            self._on_clock(reply.clock_ms)
        return reply
