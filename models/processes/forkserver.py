"""Processes that have read the tools' libraries already, and fork a child for each step asked for.

Reading the libraries anew costs a conversion of a small backbone a fifth of its time. Linux from
5.3 on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO

import cattrs

from models.processes.child import ConversionCancelled, environment
from models.processes.requests import Bounds

_READ_EARLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "paddle": ("export",),
        "paddlelite": ("paddle_lite", "parity_paddle_lite"),
        "onnx": ("onnx", "parity_onnx", "simplify"),
    }
)
"""The servers, and the steps whose libraries each of them reads; others of its steps need little
more than these."""

_SERVER_OF: Mapping[str, str] = MappingProxyType(
    {
        **{step: server for server, steps in _READ_EARLY.items() for step in steps},
        "adopt_paddle": "paddle",
        "rewrite_program": "paddle",
        "rounding": "paddle",
        "adopt_onnx": "onnx",
        "onnx_fp16": "onnx",
        "onnx_int8_dynamic": "onnx",
        "onnx_int8_static": "onnx",
    }
)

_WORDS_BYTES = 64 * 1024
_ENDING_S = 0.1
"""Within that time a server that has closed its files is known to have ended."""


class ForkServers(AbstractContextManager["ForkServers"]):
    """A server for each library, started when it is first needed; leaving it ends them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, _ForkServer] = {}
        self._closed = False

    def ready(self, steps: Iterable[str]) -> None:
        """Start the servers of steps that will be asked for, so that they are ready by then.

        Raises:
            ConversionCancelled: the servers were closed.
        """
        with self._lock:
            for step in steps:
                self._server(step)

    def fork(self, step: str, *, bounds: Bounds, stderr: IO[bytes]) -> ForkedChild:
        """Start a child for a step.

        Args:
            step: module name below `models.steps`.
            bounds: what it may use.
            stderr: what it says goes here.

        Raises:
            ConversionCancelled: the servers were closed.
        """
        order = json.dumps([step, cattrs.unstructure(bounds)])
        with self._lock:
            return ForkedChild(self._server(step), order.encode(), stderr)

    def rest(self) -> None:
        """End every server and its forks; those that are needed later are started anew."""
        with self._lock:
            for server in self._servers.values():
                server.kill()
            for server in self._servers.values():
                server.close()
            self._servers.clear()

    def close(self) -> None:
        """End every server and its forks, and start none any more."""
        with self._lock:
            self._closed = True
        self.rest()

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
        if self._closed:
            raise ConversionCancelled("the fork servers were closed")
        name = _SERVER_OF[step]
        server = self._servers.get(name)
        if server is not None and server.has_ended:
            server.close()
            server = None
        if server is None:
            server = self._servers[name] = _ForkServer(_READ_EARLY[name])
        return server


class _ForkServer:
    """`python -m models.steps.forkserver`; it ends when this process does."""

    def __init__(self, steps: Iterable[str]) -> None:
        # Left open by `close`: a child may still ask whether it was ready, and what it said.
        self._stderr_fd = os.memfd_create("stderr")
        weakref.finalize(self, os.close, self._stderr_fd)
        self._reading_fd, reading_fd = os.pipe()
        weakref.finalize(self, os.close, self._reading_fd)
        # What a library keeps in its user's home while it is read.
        self._home = tempfile.TemporaryDirectory(prefix="edgerank-tools-")
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with control, os.fdopen(reading_fd, "wb") as reading:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "models.steps.forkserver"),
                    *(str(control.fileno()), *steps),
                ],
                stdin=subprocess.DEVNULL,
                stdout=reading,
                stderr=self._stderr_fd,
                # Nothing is imported from the folder that this process was started in.
                cwd="/",
                env=environment(Path(self._home.name)),
                pass_fds=[control.fileno()],
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def order(self, order: bytes, files: Iterable[int]) -> None:
        """Have it fork; of a server that has died, `end` tells."""
        with suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [order], list(files))

    def kill_unless_ready(self) -> None:
        """Kill it while it reads its libraries: it has no fork yet that could be killed instead."""
        # Of a controller of thousands its number is beyond what `select.select` takes.
        reading = select.poll()
        reading.register(self._reading_fd, select.POLLIN)
        if not reading.poll(0):
            self.kill()

    def end(self, stderr: IO[bytes]) -> int:
        """Return how it ended, and tell what it said; one that lives has lost a fork to a kill."""
        with suppress(subprocess.TimeoutExpired):
            returncode = self._process.wait(_ENDING_S)
            stderr.write(os.pread(self._stderr_fd, _WORDS_BYTES, 0))
            return returncode or -signal.SIGKILL
        return -signal.SIGKILL

    def kill(self) -> None:
        """Kill it; its forks are bound to it."""
        self._process.kill()

    def close(self) -> None:
        """Kill it and let go of it."""
        self.kill()
        self._process.wait()
        self._control.close()
        self._home.cleanup()


class ForkedChild:
    """A fork of a server."""

    def __init__(self, server: _ForkServer, order: bytes, stderr: IO[bytes]) -> None:
        """Ask the server for it.

        Args:
            server: the process that forks.
            order: what the fork is told, see `models.steps.forkserver`.
            stderr: what it says goes here.
        """
        self._server = server
        self._stderr = stderr
        with ExitStack() as ours, ExitStack() as theirs:
            request, stdin = os.pipe()
            theirs.callback(os.close, request)
            self.stdin: IO[bytes] = ours.enter_context(os.fdopen(stdin, "wb"))
            stdout, answer = os.pipe()
            theirs.callback(os.close, answer)
            self.stdout: IO[bytes] = ours.enter_context(os.fdopen(stdout, "rb"))
            self._watcher, watcher = socket.socketpair()
            ours.enter_context(self._watcher)
            theirs.enter_context(watcher)
            server.order(order, (request, answer, stderr.fileno(), watcher.fileno()))
            ours.pop_all()

    def kill(self) -> None:
        """Have its watcher kill its whole group; of one that has ended this does nothing."""
        with suppress(OSError):
            self._watcher.shutdown(socket.SHUT_WR)
        self._server.kill_unless_ready()

    def await_end(self) -> int:
        """Wait until it has ended and return how; without a watcher, how its server ended."""
        told = self._watcher.recv(64)
        return int(told) if told else self._server.end(self._stderr)

    def close(self) -> None:
        """Have what is left of its group killed, and close what leads to it."""
        with self._watcher, self.stdout:
            self.kill()
            with suppress(BrokenPipeError):
                self.stdin.close()
            # The watcher hangs up once all of the group is killed.
            while self._watcher.recv(64):
                pass
