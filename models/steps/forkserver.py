"""Read the libraries of some steps once, and fork a child for each request.

This process never sees a request: what strangers made is read in its forks, each with limits of
its own and cut off the network. Between this process and each fork is another that watches the
fork, kills it when whoever asked says so or is gone, and tells how it ended.

Run as `python -m models.steps.forkserver FD STEP...`, where FD is a socket on which each packet is
an order, with four files: request, answer, stderr, and the watcher's socket. Stdout is closed once
the libraries are read.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import resource
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import cattrs

from models.processes.ending import await_end
from models.processes.requests import Bounds
from models.steps.answering import answer, import_step
from models.steps.confinement import confine, hold_forks
from models.steps.parent import bind_to_parent

_FORKING = multiprocessing.get_context("fork")
_ORDER_BYTES = 64 * 1024
_FILES = 4


@dataclass(frozen=True, slots=True)
class _Order:
    """What a fork is for, and the files that came with it."""

    step: str
    bounds: Bounds
    request_fd: int
    answer_fd: int
    stderr_fd: int
    watcher_fd: int


def serve(control: socket.socket, steps: Sequence[str]) -> None:
    """Read the libraries of steps, then fork for each order until whoever gives them is gone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reading = os.dup(1)
    os.dup2(2, 1)
    for step in steps:
        # A fork that reads them again says why they cannot be.
        with suppress(Exception, SystemExit):
            module = import_step(step)
            getattr(module, "read_libraries", lambda: None)()
    gc.freeze()
    os.close(reading)
    while True:
        said, files, _, _ = socket.recv_fds(control, _ORDER_BYTES, _FILES)
        if not said:
            return
        for fd in files:
            os.set_inheritable(fd, False)
        step, bounds = json.loads(said)
        order = _Order(step, cattrs.structure(bounds, Bounds), *files)
        # Without a fork its files are closed, which whoever asked sees.
        with suppress(OSError):
            _FORKING.Process(target=_watch, args=(order, control, os.getpid())).start()
        for fd in files:
            os.close(fd)


def _watch(order: _Order, control: socket.socket, server_pid: int) -> None:
    """Start the step's process, kill its group when its time is over, and tell how it ended."""
    bind_to_parent(server_pid)
    control.close()
    hold_forks(order.bounds)
    child = _FORKING.Process(target=_work, args=(order, os.getpid()))
    child.start()
    pid = child.pid
    assert pid is not None
    # Here and in the child, whichever comes first.
    os.setpgid(pid, pid)
    for fd in (order.request_fd, order.answer_fd, order.stderr_fd):
        os.close(fd)
    with socket.socket(fileno=order.watcher_fd) as asker:
        try:
            ended = os.pidfd_open(pid)
            readable, _, _ = select.select([ended, asker.fileno()], [], [])
            if ended not in readable:
                os.killpg(pid, signal.SIGKILL)
            returncode = await_end(pid)
        finally:
            # What it started and left, or all of it.
            os.killpg(pid, signal.SIGKILL)
        with suppress(OSError):
            asker.send(str(returncode).encode())
    child.join()


def _work(order: _Order, watcher_pid: int) -> None:
    """Do one step in this process, and end it as a program would that was started for it."""
    os.setpgid(0, 0)
    os.close(order.watcher_fd)
    os.dup2(order.stderr_fd, 1)
    os.dup2(order.stderr_fd, 2)
    os.close(order.stderr_fd)
    try:
        workdir = order.bounds.workdir
        os.chdir(workdir)
        os.environ.update(HOME=workdir, TMPDIR=workdir)
        tempfile.tempdir = None
        bind_to_parent(watcher_pid)
        confine(order.step, order.bounds)
        with (
            os.fdopen(order.request_fd, "rb") as request,
            os.fdopen(order.answer_fd, "wb", 0) as answers,
        ):
            answer(order.step, request, answers)
    except Exception:
        # Printed here, too: at its memory's limit what multiprocessing prints with fails.
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        # What tools print from C++ would be lost, since a fork ends without the exit of a program.
        ctypes.CDLL(None).fflush(None)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
