"""Processes that do steps of conversions, forked from ones that have read the tools' libraries.

Each is as the one that the code would start by its command: of its own session, with its own
descriptors, home and end. What it lacks is the time to read the libraries, and its own words in the
list of processes; and it is no child of whoever asked for it, with whom it ends all the same.

Run as `python -m tests.processes.tools LIFE FD...`: LIFE is a pipe that is closed when whoever
started it ends, each FD a listening socket for one of `KINDS`, in their order. Each connection
brings a packet with the home of a server, and the descriptors of its socket, of its stdout and
stderr, and of a pipe that is told its id and, once it has ended, its status as `waitpid` gives it.
"""

import atexit
import functools
import gc
import io
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

import cattrs

from models.processes import child, forkserver
from models.processes.requests import Bounds
from models.steps.answering import import_step
from models.steps.forkserver import serve
from tests.processes.leaving import leave_by
from tests.processes.warm import Forked

KINDS: Final = tuple(forkserver._READ_EARLY.values())
# Where those who fork listen; it goes down to the processes that tests start.
PLACE: Final = "EDGERANK_TESTS_TOOLS"
_OF_ONE: Final = ("HOME", "TMPDIR")
_STEPS: Final = (sys.executable, "-m", "models.steps")
_LARGEST_REQUEST_BYTES: Final = 1 << 16
_spawned_cold = child.SpawnedChild
_started: list[Forked] = []


def share_tools() -> None:
    """From now on this process, and those that it starts, have steps done by forked processes."""
    folder = Path(tempfile.mkdtemp(prefix="edgerank-tools-of-tests-"))
    life, ours = os.pipe()
    with ExitStack() as given:
        given.callback(os.close, life)
        listening = [_listening(folder, kind, given) for kind in KINDS]
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, *map(str, (life, *listening))],
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=child.environment(folder),
            pass_fds=(life, *listening),
            start_new_session=True,
        )
    os.environ[PLACE] = str(folder)
    atexit.register(_end, process, ours, folder)
    use_tools()


def _listening(folder: Path, kind: Sequence[str], given: ExitStack) -> int:
    listening = given.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    listening.bind(str(folder / kind[0]))
    listening.listen()
    return listening.fileno()


def _end(process: "subprocess.Popen[bytes]", life: int, folder: Path) -> None:
    os.close(life)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        # Whoever was forked may hold our end.
        process.kill()
        process.wait()
    shutil.rmtree(folder)


def use_tools() -> None:
    """Has this process ask those who listen at the place that its environment names."""
    if PLACE in os.environ:
        tools = _Tools(Path(os.environ[PLACE]))
        vars(forkserver)["subprocess"] = SimpleNamespace(
            DEVNULL=subprocess.DEVNULL,
            TimeoutExpired=subprocess.TimeoutExpired,
            Popen=tools.server,
        )
        vars(child)["SpawnedChild"] = tools.step


def running_servers() -> list[Forked]:
    """The servers that were forked for conversions of this process, and have not ended."""
    return [each for each in _started if each.poll() is None]


@contextmanager
def started_by_command() -> Iterator[None]:
    """Meanwhile this process starts each server and step by its command."""
    before = vars(forkserver)["subprocess"], child.SpawnedChild
    vars(forkserver)["subprocess"], vars(child)["SpawnedChild"] = subprocess, _spawned_cold
    try:
        yield
    finally:
        vars(forkserver)["subprocess"], vars(child)["SpawnedChild"] = before


class _Tools:
    """What takes the place of the two ways to start a process for steps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = _shared(child.environment(folder))
        self._servers = forkserver.ForkServers()
        self._steps = threading.local()

    def server(
        self, command: Sequence[str], *, stdout: IO[bytes], stderr: int, **given: Any
    ) -> "Forked | subprocess.Popen[bytes]":
        """A server of steps."""
        environment, (control,) = given["env"], given["pass_fds"]
        if _shared(environment) == self._environment:
            told, telling = os.pipe()
            request = json.dumps({name: environment[name] for name in _OF_ONE}).encode()
            files = [control, stdout.fileno(), stderr, telling]
            # Where nobody listens any more it is started by its command.
            with (
                suppress(OSError),
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking,
            ):
                asking.connect(str(self._folder / command[4]))
                socket.send_fds(asking, [request], files)
                os.close(telling)
                started = Forked(told, io.StringIO())
                if not hasattr(self._steps, "alone"):
                    _started.append(started)
                return started
            os.close(told)
            os.close(telling)
        return subprocess.Popen(command, stdout=stdout, stderr=stderr, **given)

    def step(self, command: Sequence[str], stderr: IO[bytes], workdir: Path) -> child.Child:
        """A process of one step."""
        *program, step, _parent, bounds = command
        if tuple(program) == _STEPS and step in forkserver._SERVER_OF:
            given = cattrs.structure(json.loads(bounds), Bounds)
            self._steps.alone = True
            try:
                return self._servers.fork(step, bounds=given, stderr=stderr)
            finally:
                del self._steps.alone
        return _spawned_cold(command, stderr, workdir)


def _shared(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OF_ONE}


def main(life: int, listening: Sequence[int]) -> None:
    """Starts who forks servers of a kind when the first of them is asked for."""
    waiting = dict(zip(listening, KINDS, strict=True))
    with selectors.PollSelector() as selector:
        for each in (life, *listening):
            selector.register(each, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _events in selector.select()]
            if life in ready:
                return
            for asked in ready:
                selector.unregister(asked)
                kind = waiting.pop(asked)
                if os.fork() == 0:
                    for other in waiting:
                        os.close(other)
                    leave_by(functools.partial(_serve, life, socket.socket(fileno=asked), kind))
                os.close(asked)


def _serve(life: int, listening: socket.socket, kind: Sequence[str]) -> None:
    """Forks a server of a kind for each connection."""
    for step in kind:
        module = import_step(step)
        getattr(module, "read_libraries", lambda: None)()
    gc.collect()
    gc.freeze()
    woken, waking = os.pipe()
    for end in (woken, waking):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    tellings: dict[int, int] = {}
    with selectors.PollSelector() as selector:
        for descriptor in (life, listening.fileno(), woken):
            selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _events in selector.select()}
            if life in ready:
                return
            if woken in ready:
                os.read(woken, 1 << 16)
                _tell_ends(tellings)
            if listening.fileno() in ready:
                _fork(listening, (life, woken, waking), tellings)


def _fork(listening: socket.socket, others: Sequence[int], tellings: dict[int, int]) -> None:
    """Forks the server that the next connection asks for."""
    connection, _ = listening.accept()
    with connection:
        said, files, _, _ = socket.recv_fds(connection, _LARGEST_REQUEST_BYTES, 4)
    if len(files) < 4:
        for descriptor in files:
            os.close(descriptor)
        return
    *given, telling = files
    pid = os.fork()
    if pid == 0:
        listening.close()
        for descriptor in (*others, telling, *tellings.values()):
            os.close(descriptor)
        leave_by(functools.partial(_become, json.loads(said), given))
    tellings[pid] = telling
    # Whoever asked may have gone meanwhile.
    with suppress(BrokenPipeError):
        os.write(telling, b"%d\n" % pid)
    for descriptor in given:
        os.close(descriptor)


def _tell_ends(tellings: dict[int, int]) -> None:
    while tellings:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        telling = tellings.pop(pid)
        with suppress(BrokenPipeError):
            os.write(telling, b"%d\n" % status)
        os.close(telling)


def _become(home: Mapping[str, str], given: Sequence[int]) -> None:
    """Is the server that was asked for, until whoever asked is gone."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.update(home)
    tempfile.tempdir = None
    control, *standard = given
    for each, place in zip(standard, (1, 2), strict=True):
        os.dup2(each, place)
        os.close(each)
    serve(socket.socket(fileno=control), ())


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(each) for each in sys.argv[2:]])
