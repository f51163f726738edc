"""Ctrl-C that cannot get lost: what ends an object while it comes passes it over."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

_AGAIN_S: Final = 1.0


@contextlib.contextmanager
def interrupts_surely() -> Iterator[None]:
    """While it is held, KeyboardInterrupt is raised again each second until something has heard it.

    Python raises it in whatever runs at that moment. Where that is a finaliser, which may be one of
    gRPC's channels, nobody hears of it. Whoever takes long to end because of it is left in peace,
    and so is who hears of signals otherwise.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        # As a command that was started in the background, or by somebody who ends it otherwise.
        yield
        return
    signal.signal(signal.SIGALRM, _interrupt_unless_heard)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def heard_by_a_loop() -> Iterator[None]:
    """While it is held, Ctrl-C is as Python begins with it, which `asyncio.run` asks for.

    From Python 3.11 on it cancels what it runs, and only that, where it finds that handler.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not _interrupt:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
    raise KeyboardInterrupt


def _interrupt_unless_heard(_number: int, _frame: FrameType | None) -> None:
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return
        error = error.__context__
    raise KeyboardInterrupt
