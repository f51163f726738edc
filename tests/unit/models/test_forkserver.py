"""Fork servers: a fork answers, dies and is ended like a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from models.child import Cancellation, ConversionCancelled, StepFailed, ask
from models.forkserver import ForkServers
from models.requests import FileAnswer, SimplifyRequest

STEP = "simplify"


@pytest.fixture(scope="module")
def shared() -> Iterator[ForkServers]:
    with ForkServers() as servers:
        yield servers


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that whoever reads it waits at: it ends when its writer closes it."""
    path = tmp_path / "source.onnx"
    os.mkfifo(path)
    return path


def simplify(
    servers: ForkServers,
    folder: Path,
    *,
    step: str = STEP,
    memory_bytes: int = 2**33,
    timeout_s: float = 60,
    cancellation: Cancellation | None = None,
) -> FileAnswer:
    return ask(
        step,
        SimplifyRequest("source.onnx", "made.onnx"),
        FileAnswer,
        start=lambda stderr: servers.fork(
            step, memory_bytes=memory_bytes, workdir=folder, stderr=stderr
        ),
        timeout_s=timeout_s,
        cancellation=cancellation or Cancellation(),
    )


def reason(servers: ForkServers, folder: Path, step: str = STEP, memory_bytes: int = 2**33) -> str:
    with pytest.raises(StepFailed) as caught:
        simplify(servers, folder, step=step, memory_bytes=memory_bytes)
    return caught.value.reason


def processes(whose: int | None = None) -> list[psutil.Process]:
    """Servers, watchers and forks below a process, this one if none is named."""
    return [
        process
        for process in psutil.Process(whose).children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
        and "models.steps.forkserver" in process.cmdline()
    ]


def failure(future: Future[FileAnswer]) -> str:
    failed = future.exception(timeout=60)
    assert isinstance(failed, StepFailed)
    return failed.reason


def test_a_fork_that_fails_says_why_and_the_next_one_is_like_it(
    shared: ForkServers, tmp_path: Path
) -> None:
    expected = (
        "the child exited with code 1, its last words: "
        "FileNotFoundError: [Errno 2] No such file or directory: 'source.onnx'"
    )
    assert reason(shared, tmp_path) == expected
    assert reason(shared, tmp_path) == expected


def test_a_library_that_cannot_be_read_is_named(shared: ForkServers, tmp_path: Path) -> None:
    assert reason(shared, tmp_path, step="none").endswith(
        "ModuleNotFoundError: No module named 'models.steps.none'"
    )


def test_a_fork_has_a_limit_of_its_own(shared: ForkServers, tmp_path: Path, source: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        large = threads.submit(reason, shared, tmp_path, STEP, 2**20)
        with source.open("wb", buffering=0) as stream:
            stream.write(bytes(2**24))
        assert "Memory" in large.result(timeout=60)
    source.unlink()
    assert "No such file" in reason(shared, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_fork_that_dies_is_told_by_its_signal(
    number: signal.Signals, tmp_path: Path, source: Path
) -> None:
    with ForkServers() as servers, ThreadPoolExecutor(1) as threads:
        dying = threads.submit(simplify, servers, tmp_path)
        with source.open("wb"):
            (fork,) = [each for each in processes() if not each.children()]
            fork.send_signal(number)
            assert failure(dying).startswith(f"the child died by {number.name}")


def test_a_fork_that_hangs_is_stopped(shared: ForkServers, tmp_path: Path, source: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        stuck = threads.submit(simplify, shared, tmp_path, timeout_s=2)
        with source.open("wb", buffering=0) as stream:
            assert failure(stuck).startswith("the child was stopped after 2 s")
            with pytest.raises(BrokenPipeError):
                stream.write(b"nobody reads this")


def test_cancelling_ends_a_fork(shared: ForkServers, tmp_path: Path, source: Path) -> None:
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(simplify, shared, tmp_path, cancellation=cancellation)
        with source.open("wb", buffering=0) as stream:
            cancellation.cancel()
            assert isinstance(running.exception(timeout=60), ConversionCancelled)
            with pytest.raises(BrokenPipeError):
                stream.write(b"nobody reads this")


def test_closing_ends_servers_and_forks(tmp_path: Path, source: Path) -> None:
    servers = ForkServers()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(simplify, servers, tmp_path)
        with source.open("wb"):
            servers.close()
            assert failure(running).startswith("the child died by SIGKILL")


def test_a_server_that_died_is_replaced(tmp_path: Path) -> None:
    with ForkServers() as servers:
        first = reason(servers, tmp_path)
        for each in processes():
            each.kill()
        psutil.wait_procs(processes())
        assert reason(servers, tmp_path) == first


def test_nothing_outlives_a_killed_parent(tmp_path: Path, source: Path) -> None:
    code = (
        "import pathlib\n"
        "from models.forkserver import ForkServers\n"
        "from tests.unit.models.test_forkserver import simplify\n"
        f"simplify(ForkServers(), pathlib.Path({str(tmp_path)!r}))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    with source.open("wb"):
        left = processes(parent.pid)
        assert len(left) == 3
        parent.kill()
        parent.wait()
        _, alive = psutil.wait_procs(left, timeout=30)
    assert alive == []
