"""Starts real edgerank processes for tests, and waits for what they say instead of sleeping.

Under pytest they are forked from one that has read the modules, see `tests.processes.warm`; where
their start itself matters, and in benchmarks, each is started by its command.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from tests.processes.warm import COMMAND, completed, forked, origin_for

EDGERANK = (sys.executable, "-m", COMMAND)
START_TIMEOUT_S = 180.0
COMMAND_TIMEOUT_S = 580.0


class Process(Protocol):
    """What is asked of a process, whichever way it was started."""

    pid: int
    returncode: int | None

    @property
    def stdout(self) -> IO[str] | None:
        """What it prints."""

    def poll(self) -> int | None:
        """How it ended, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""

    def send_signal(self, sig: int, /) -> None:
        """Signals it, unless it has ended."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it as a crash would."""


class Output:
    """The lines that a process prints, read in a thread so that it never blocks."""

    def __init__(self, process: Process) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._stream = process.stdout
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, pattern: str, timeout_s: float = START_TIMEOUT_S) -> re.Match[str]:
        """The first line, past or coming, that has the pattern; fails when the process ends."""

        def found() -> re.Match[str] | None:
            matches = (re.search(pattern, line) for line in tuple(self.lines))
            return next((match for match in matches if match), None)

        with self._changed:
            self._changed.wait_for(lambda: self._ended or found() is not None, timeout_s)
        match = found()
        assert match is not None, f"no line has {pattern!r}: {self.lines}"
        return match

    def _read(self) -> None:
        assert self._stream is not None
        for line in self._stream:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@dataclass(frozen=True)
class Running:
    """A started process and its output."""

    process: Process
    output: Output

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ends it as a person would; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=START_TIMEOUT_S)


@contextmanager
def running(
    *arguments: str,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = EDGERANK,
) -> Iterator[Running]:
    """An `edgerank` process that is stopped at the end, whatever happened.

    `before` is what stands before it on the command line, `environment` what it gets besides ours,
    `program` what is started in its place: where that is `python -m MODULE`, its `main` is forked.
    """
    given = {**os.environ, **(environment or {})}
    *python, module = program
    is_module = python == [*EDGERANK[:-1]]
    origin = origin_for(given) if is_module and not before else None
    process: Process
    if origin is not None:
        process = forked(origin, arguments, given, module)
    else:
        process = subprocess.Popen(
            [*before, *program, *arguments],
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    started = Running(process, Output(process))
    try:
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running_controller(
    state_dir: Path,
    port: int = 0,
    *options: str,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[Running, str]]:
    """A controller that listens, and its address."""
    arguments = ("controller", "--port", str(port), "--state", str(state_dir), *options)
    with running(*arguments, before=before, environment=environment) as controller:
        listening = controller.output.wait_for(r"listening on (127\.0\.0\.1:\d+)")
        yield controller, listening[1]


@contextmanager
def running_agent(address: str, name: str, state_dir: Path, *options: str) -> Iterator[Running]:
    """An agent that is connected."""
    arguments = ("--controller", address, "--name", name, "--state", str(state_dir))
    with running("agent", *arguments, *options) as agent:
        agent.output.wait_for(f"connected to .* as {name}")
        yield agent


def own_address() -> str:
    """The address at which other machines would reach this one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def edgerank(
    *arguments: str, address: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; `environment` is what it gets besides ours."""
    given = {**os.environ, "COLUMNS": "100", **(environment or {})}
    if address is not None:
        given["EDGERANK_CONTROLLER"] = address
    origin = origin_for(given)
    if origin is not None:
        return completed(origin, arguments, given, COMMAND_TIMEOUT_S)
    return subprocess.run(
        [*EDGERANK, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=given,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
