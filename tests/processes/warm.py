"""Processes of `edgerank`, forked from one that has read the modules: a start costs little.

Each is a process of its own with its own descriptors, environment and end, as one that is started
by its command; what it lacks is only the time to read modules and to take them apart at its end,
and its own words in the list of processes.
"""

import atexit
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

# What Python, the loader or a library reads as it starts: a fork would come too late to hear of it.
READ_AT_START = (
    *("PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC_", "GRPC_", "OMP_", "OPENBLAS_", "MKL_"),
    "OTEL_",
)
_ORIGIN = "tests.processes.origin"
# The module whose `main` a fork runs where no other is named.
COMMAND = "controller.cli.main"


class Forked:
    """One process, as `subprocess.Popen` shows its own.

    Attributes:
        stdout: what it prints.
        returncode: how it ended, below 0 by a signal; None while it runs.
    """

    def __init__(self, status: int, stdout: TextIO) -> None:
        """`status` is the descriptor that tells its id, and then how it ended."""
        told = io.FileIO(status)
        self.pid = int(told.readline())
        self.stdout = stdout
        self.returncode: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._hear, args=(told,), daemon=True).start()

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        if not self._ended.wait(timeout) and timeout is not None:
            raise subprocess.TimeoutExpired("edgerank", timeout)
        assert self.returncode is not None, "the process that forks has ended"
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signals it, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.send_signal(signal.SIGKILL)

    def _hear(self, told: io.FileIO) -> None:
        with told:
            if status := told.readline():
                self.returncode = os.waitstatus_to_exitcode(int(status))
        self._ended.set()


class Origin:
    """The process that has read the modules and forks; it ends with the one that started it."""

    def __init__(self) -> None:
        self._read_at_start = _read_at_start(os.environ)
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _ORIGIN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Whether a fork would see of this environment all that a cold start would."""
        return self._process.poll() is None and _read_at_start(environment) == self._read_at_start

    def end(self) -> None:
        """Ends it; what it forked goes on."""
        self._ours.close()
        self._process.wait()

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        printing: int,
        failing: int,
        module: str = COMMAND,
    ) -> int:
        """Forks a process that runs the `main` of a module and writes to two descriptors.

        Gives the descriptor that `Forked` reads.
        """
        told, telling = os.pipe()
        request = {
            "module": module,
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(Path.cwd()),
        }
        try:
            packet = json.dumps(request).encode()
            socket.send_fds(self._ours, [packet], [printing, failing, telling])
        finally:
            os.close(telling)
        return told


class _Starting:
    """The one origin of this process, once it is wanted."""

    def __init__(self) -> None:
        self.is_wanted = False
        self._origin: Origin | None = None
        self._lock = threading.Lock()

    def origin(self) -> Origin | None:
        with self._lock:
            if self.is_wanted and self._origin is None:
                self._origin = Origin()
                atexit.register(self._origin.end)
            return self._origin


_starting = _Starting()


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def start_from_here() -> None:
    """From now on processes are forked, from one that is started with the first of them."""
    _starting.is_wanted = True


def origin_for(environment: Mapping[str, str]) -> Origin | None:
    """What forks processes; None where they are to be started by their command."""
    origin = _starting.origin()
    return origin if origin is not None and origin.fits(environment) else None


def forked(
    origin: Origin, arguments: Sequence[str], environment: Mapping[str, str], module: str
) -> Forked:
    """A process that runs a command; its stderr comes with its stdout."""
    reading, writing = os.pipe()
    try:
        status = origin.start(arguments, environment, writing, writing, module)
    finally:
        os.close(writing)
    return Forked(status, os.fdopen(reading))


def completed(
    origin: Origin, arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """A command that ran to its end.

    Raises:
        subprocess.TimeoutExpired: it did not; it is ended.
    """
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as failed:
        status = origin.start(arguments, environment, printed.fileno(), failed.fileno())
        process = Forked(status, printed)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        printed.seek(0)
        failed.seek(0)
        written = printed.read(), failed.read()
    return subprocess.CompletedProcess(list(arguments), code, *written)
