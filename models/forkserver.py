"""Processes that have read a step's libraries already, and fork a child for each that is asked.

Reading the libraries anew costs a conversion of a small backbone a fifth of its time.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from models.child import environment

_ENDING_S = 0.1
"""Within that time a server that has closed its files is known to have ended."""


class ForkServers(AbstractContextManager["ForkServers"]):
    """One server a step, started when it is first needed; leaving it ends all, and their forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, _ForkServer] = {}

    def ready(self, steps: Iterable[str]) -> None:
        """Start the servers of steps that will be asked for, so that they are ready by then."""
        for step in steps:
            self._server(step)

    def fork(
        self, step: str, *, memory_bytes: int, workdir: Path, stderr: IO[bytes]
    ) -> ForkedChild:
        """Start a child for a step.

        Args:
            step: module name below `models.steps`.
            memory_bytes: its private writable memory (RLIMIT_DATA).
            workdir: its working folder, also for its temporary files.
            stderr: what it says goes here.
        """
        order = json.dumps([memory_bytes, str(workdir.absolute())])
        return self._server(step).fork(order.encode(), stderr)

    def close(self) -> None:
        """End every server and its forks."""
        with self._lock:
            for server in self._servers.values():
                server.close()
            self._servers.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every server and its forks."""
        self.close()

    def _server(self, step: str) -> _ForkServer:
        """Return the step's server; one that has died is replaced."""
        with self._lock:
            server = self._servers.get(step)
            if server is not None and not server.runs:
                server.close()
                server = None
            if server is None:
                server = self._servers[step] = _ForkServer(step)
            return server


class _ForkServer:
    """`python -m models.steps.forkserver` for one step; it ends when this process does."""

    def __init__(self, step: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "models.steps.forkserver", step, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment(),
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def fork(self, order: bytes, stderr: IO[bytes]) -> ForkedChild:
        return ForkedChild(self._process, self._control, order, stderr)

    def close(self) -> None:
        """Kill it; its forks are bound to it."""
        self._process.kill()
        self._process.wait()
        self._control.close()


class ForkedChild:
    """A fork of a server, watched by another one that tells how it ended."""

    def __init__(
        self,
        server: subprocess.Popen[bytes],
        control: socket.socket,
        order: bytes,
        stderr: IO[bytes],
    ) -> None:
        """Ask the server for it.

        Args:
            server: the process that forks.
            control: where it takes orders.
            order: what the fork is told, see `models.steps.forkserver`.
            stderr: what it says goes here.
        """
        self._server = server
        with ExitStack() as theirs:
            request, stdin = os.pipe()
            theirs.callback(os.close, request)
            stdout, answer = os.pipe()
            theirs.callback(os.close, answer)
            self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
            self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
            self._watcher, watcher = socket.socketpair()
            theirs.enter_context(watcher)
            # Of a server that has died, `await_end` tells.
            with suppress(BrokenPipeError, ConnectionResetError):
                given = [request, answer, stderr.fileno(), watcher.fileno()]
                socket.send_fds(control, [order], given)

    def kill(self) -> None:
        """Have its watcher kill its whole group; of one that has ended this does nothing."""
        with suppress(OSError):
            self._watcher.shutdown(socket.SHUT_WR)

    def await_end(self) -> int:
        """Wait until it has ended and return how; without a server, how that ended."""
        told = self._watcher.recv(64)
        if told:
            return int(told)
        with suppress(subprocess.TimeoutExpired):
            return self._server.wait(_ENDING_S) or -signal.SIGKILL
        return -signal.SIGKILL

    def close(self) -> None:
        """Have what is left of its group killed, and close what leads to it."""
        with self.stdout, suppress(BrokenPipeError):
            self.stdin.close()
        self.kill()
        # Its end is told once all of its group is killed.
        with suppress(OSError):
            while self._watcher.recv(64):
                pass
        self._watcher.close()
