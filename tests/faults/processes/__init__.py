"""Processes of a fleet, forked from one that has read the libraries: a start costs little."""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.processes.read_early"])


class Child:
    """One process, its end of a pipe, and how it ended.

    Attributes:
        is_ending: whether somebody ends it, so that its end is no surprise.
        has_ended: set once it has.
        has_spoken: whether it said anything, so that it is set up.
    """

    def __init__(
        self, target: Callable[..., None], *arguments: object, on_said: Callable[[Any], None]
    ) -> None:
        """Start it in the running event loop; what it says is handed to `on_said`."""
        self._pipe, theirs = _context.Pipe()
        self._process = _context.Process(target=target, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.is_ending = False
        self.has_ended = asyncio.Event()
        self.has_spoken = False
        self._on_said = on_said
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.sentinel, self._end)
        self._loop.add_reader(self._pipe.fileno(), self._hear)

    @property
    def pid(self) -> int:
        """Its id."""
        pid = self._process.pid
        assert pid is not None
        return pid

    @property
    def exit_code(self) -> int:
        """How it ended: below 0 by a signal."""
        code = self._process.exitcode
        assert code is not None
        return code

    @property
    def is_there(self) -> bool:
        """Whether it is set up and goes on, and nobody ends it."""
        return self.has_spoken and not self.is_ending and not self.has_ended.is_set()

    def say(self, what: object) -> None:
        """Answer it; one that has gone hears nothing."""
        with suppress(OSError):
            self._pipe.send(what)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        pid = self._process.pid
        if pid is not None and not self.has_ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def let_write(self, *, is_allowed: bool) -> None:
        """Let its writes to files succeed, or let all of them fail, as a full disk does."""
        pid = self._process.pid
        if pid is None or self.has_ended.is_set():
            return
        with suppress(ProcessLookupError):
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            soft = most if is_allowed else 0
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, most))

    def kill(self) -> None:
        """End it at once."""
        self.is_ending = True
        self.signal(signal.SIGKILL)

    async def terminate(self, within_s: float) -> bool:
        """Ask it to end, and wait; False where it did not and was killed."""
        self.is_ending = True
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.has_ended.wait(), within_s)
        except asyncio.TimeoutError:
            self.kill()
            await self.has_ended.wait()
            return False
        return True

    def _hear(self) -> None:
        try:
            said = self._pipe.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            return
        self.has_spoken = True
        self._on_said(said)

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._loop.remove_reader(self._pipe.fileno())
        self._process.join()
        self.has_ended.set()
        self._pipe.close()
