"""Fork servers: a fork answers, dies and is ended like a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import variants_of
from models.conversion.work import may_follow, needed
from models.processes import forkserver
from models.processes.child import (
    Cancellation,
    ConversionCancelled,
    StepFailed,
    StepLimits,
    ask,
    environment,
)
from models.processes.forkserver import _SERVER_OF, ForkServers
from models.processes.requests import FileAnswer, SimplifyRequest

STEP = "simplify"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServers]:
    """Servers that have read their libraries."""
    with ForkServers() as servers:
        reason(servers, tmp_path_factory.mktemp("first"))
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
            step, bounds=StepLimits(memory_bytes=memory_bytes).bounds(folder), stderr=stderr
        ),
        timeout_s=timeout_s,
        cancellation=cancellation or Cancellation(),
    )


def reason(servers: ForkServers, folder: Path, step: str = STEP, memory_bytes: int = 2**33) -> str:
    with pytest.raises(StepFailed) as caught:
        simplify(servers, folder, step=step, memory_bytes=memory_bytes)
    return caught.value.reason


@contextmanager
def started() -> Iterator[tuple[ForkServers, psutil.Process]]:
    """Servers of which one has just been started, and its process."""
    before = set(psutil.Process().children())
    with ForkServers() as servers:
        servers.ready([STEP])
        (server,) = set(psutil.Process().children()) - before
        yield servers, server


def fork_in(folder: Path) -> psutil.Process:
    """The one process that works in a folder."""
    found = []
    for process in psutil.Process().children(recursive=True):
        # Others come to their end meanwhile.
        with suppress(psutil.Error):
            found += [process] if process.cwd() == str(folder) else []
    (fork,) = found
    return fork


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


def test_a_library_that_cannot_be_read_is_named(
    shared: ForkServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.processes.forkserver._SERVER_OF", {"none": "onnx"})
    assert reason(shared, tmp_path, step="none").endswith("KeyError: 'none'")


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
    number: signal.Signals, shared: ForkServers, tmp_path: Path, source: Path
) -> None:
    with ThreadPoolExecutor(1) as threads:
        dying = threads.submit(simplify, shared, tmp_path)
        with source.open("wb"):
            fork_in(tmp_path).send_signal(number)
            assert f" died by {number.name}," in failure(dying)


def test_a_fork_has_no_network_before_it_reads_anything(
    shared: ForkServers, tmp_path: Path, source: Path
) -> None:
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(simplify, shared, tmp_path)
        with source.open("wb"):
            status = Path(f"/proc/{fork_in(tmp_path).pid}/status").read_text()
        assert failure(running)
    # The second of seccomp's modes is a filter; which one, the tests of `sandbox` tell.
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)


def test_a_fork_that_hangs_is_stopped(shared: ForkServers, tmp_path: Path, source: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        stuck = threads.submit(simplify, shared, tmp_path, timeout_s=5)
        with source.open("wb", buffering=0) as stream:
            assert " after 5 s," in failure(stuck)
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
            assert " died by SIGKILL," in failure(running)


def test_killing_does_not_wait_for_libraries(tmp_path: Path) -> None:
    with started() as (servers, server), tempfile.TemporaryFile() as stderr:
        # It will never have read them.
        server.suspend()
        fork = servers.fork(STEP, bounds=StepLimits().bounds(tmp_path), stderr=stderr)
        fork.kill()
        assert fork.await_end() == -signal.SIGKILL
        fork.close()


def test_a_server_that_died_is_replaced(tmp_path: Path) -> None:
    with started() as (servers, server):
        first = reason(servers, tmp_path)
        server.kill()
        psutil.wait_procs([server])
        assert reason(servers, tmp_path) == first


def test_what_a_server_said_before_it_died_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A library that cannot be read at all ends whoever reads it.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys; sys.stderr.write('cannot allocate TLS\\n'); sys.stderr.flush(); os.abort()"
    )
    monkeypatch.setattr(
        forkserver, "environment", lambda home: {**environment(home), "PYTHONPATH": str(tmp_path)}
    )
    with ForkServers() as servers:
        expected = "the child died by SIGABRT, its last words: cannot allocate TLS"
        assert reason(servers, tmp_path) == expected


def test_nothing_is_imported_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxslim.py").write_text("raise ImportError('not this one')")
    monkeypatch.chdir(tmp_path)
    with ForkServers() as servers:
        assert "No such file" in reason(servers, tmp_path)


def test_a_closed_server_starts_nothing(tmp_path: Path) -> None:
    servers = ForkServers()
    servers.close()
    with pytest.raises(ConversionCancelled):
        simplify(servers, tmp_path)


def test_every_step_of_a_conversion_has_a_server() -> None:
    variants = variants_of(load_catalog().get("PPLCNet_x0_25"), tuple(Precision))
    works = {work for variant in variants for work in needed(variant)}
    assert {work.step for work in (*works, *may_follow(works))} <= _SERVER_OF.keys()


def test_nothing_outlives_a_killed_parent(tmp_path: Path, source: Path) -> None:
    code = (
        "import pathlib\n"
        "from models.processes.forkserver import ForkServers\n"
        "from tests.unit.models.processes.test_forkserver import simplify\n"
        f"simplify(ForkServers(), pathlib.Path({str(tmp_path)!r}))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    with source.open("wb"):
        left = psutil.Process(parent.pid).children(recursive=True)
        assert len(left) == 3
        parent.kill()
        parent.wait()
        _, alive = psutil.wait_procs(left, timeout=30)
    assert alive == []
