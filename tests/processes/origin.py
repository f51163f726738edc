"""The process that forks `edgerank` processes, see `tests.processes.warm`.

Run as `python -m tests.processes.origin FD`, where FD is a socket on which each packet is JSON of
a module whose `main` is run, its arguments, environment and folder, with the descriptors of its
stdout and stderr and of a pipe that is told its id and, once it has ended, its status as `waitpid`
gives it.
"""

import gc
import importlib
import io
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, TextIO

from tests.processes.leaving import leave_by

# What commands read late, besides the modules of the commands themselves.
READ_LATE = (
    "agent.link.connection",
    "controller.client",
    "scipy.stats",
    "sklearn.gaussian_process",
)
_LARGEST_REQUEST_BYTES = 1 << 20
_STDOUT, _STDERR = 1, 2


def main(descriptor: int) -> None:
    """Forks at each request until the other side goes; a fork leaves by running its command."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    _read_modules()
    asked = _serve(socket.socket(fileno=descriptor))
    if asked is None:
        return
    sys.argv = ["edgerank", *asked["arguments"]]
    leave_by(importlib.import_module(asked["module"]).main)


def _read_modules() -> None:
    from controller.cli.main import COMMANDS
    from tests.processes.states import read_what_databases_read
    from tests.processes.tools import use_tools

    of_commands = (each.place.split(":")[0] for each in COMMANDS.values() if each.extra != "mcp")
    for place in (*of_commands, *READ_LATE):
        importlib.import_module(place)
    read_what_databases_read()
    use_tools()
    # What is never freed is never looked at, so that its pages stay shared.
    gc.collect()
    gc.freeze()


def _serve(requests: socket.socket) -> dict[str, Any] | None:
    """None in this process at its end, what was asked in a fork."""
    woken, waking = os.pipe()
    for each in (woken, waking):
        os.set_blocking(each, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Whoever started this one ends it; Ctrl-C is for the tests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tellings: dict[int, int] = {}
    with selectors.PollSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _events in selector.select()}
            if woken in ready:
                os.read(woken, 1 << 16)
                _tell_ends(tellings)
            if requests not in ready:
                continue
            packet, given, _flags, _sender = socket.recv_fds(requests, _LARGEST_REQUEST_BYTES, 3)
            if not packet:
                return None
            # What comes for a fork before it is what it becomes waits until then.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            pid = os.fork()
            if pid == 0:
                for each in (requests.detach(), woken, waking, *tellings.values()):
                    os.close(each)
                return _become(json.loads(packet), given)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            tellings[pid] = given.pop()
            os.write(tellings[pid], b"%d\n" % pid)
            for each in given:
                os.close(each)


def _tell_ends(tellings: dict[int, int]) -> None:
    while tellings:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        telling = tellings.pop(pid)
        with suppress(BrokenPipeError):
            os.write(telling, b"%d\n" % status)
        os.close(telling)


def _become(asked: dict[str, Any], given: list[int]) -> dict[str, Any]:
    """Lets this fork look as a process does that was just started."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    printing, failing, telling = given
    os.close(telling)
    for each, place in ((printing, _STDOUT), (failing, _STDERR)):
        os.dup2(each, place)
        os.close(each)
    sys.stdout = _writing(_STDOUT, sys.stdout, line_buffering=False)
    sys.stderr = _writing(_STDERR, sys.stderr, line_buffering=True)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return asked


def _writing(place: int, before: TextIO, *, line_buffering: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        open(place, "wb", closefd=False),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=line_buffering,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
