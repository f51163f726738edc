"""What a job opened is closed, wherever it ends."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.files import OpenArtifact
from agent.link.job import Job
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import MeasuringFailed
from protos.fleet import Lease, Measured, Progress, Stage
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from protos.traces import NO_SPANS, Span, Spans
from tests.unit.agent.link.test_session import lease

CONTENT = b"an artifact"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LEASE = replace(
    lease(), artifact_sha256=SHA256, artifact_size_bytes=len(CONTENT), trace_context="a trace"
)


class NothingToFetch:
    """A source of a cache that has all."""

    async def fetch_artifact(self, sha256: str, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        raise AssertionError(f"{sha256} is in the cache, from {offset_bytes} on")
        yield b""


class WatchedCache(ArtifactCache):
    """A cache that remembers what it opened, so that no collector closes it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, limit_bytes=1_000)
        (folder / SHA256).write_bytes(CONTENT)
        self.opened: list[OpenArtifact] = []
        self.opening = threading.Event()
        self.may_open = threading.Event()
        self.may_open.set()

    def find(self, sha256: str) -> OpenArtifact | None:
        self.opening.set()
        self.may_open.wait()
        found = super().find(sha256)
        assert found is not None
        self.opened.append(found)
        return found


class Waits(Measurer):
    """Waits for a moment, and measures nothing."""

    def measure(self, *given: Any, **also: Any) -> Measured:
        del also
        on_waiting = given[3]
        on_waiting(reason(ReasonCode.NOT_READY))
        on_waiting(None)
        raise MeasuringFailed(ReasonCode.CRASHED, "the child died")


class Heard(Spans):
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def tell(self, span: Span) -> None:
        self.spans.append(span)


def job(
    cache: ArtifactCache,
    on_progress: Any = lambda _progress: None,
    measurer: type[Measurer] = Measurer,
    spans: Spans = NO_SPANS,
    given: Lease = LEASE,
) -> Job:
    runtime = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="none")
    return Job(
        given,
        source=NothingToFetch(),
        cache=cache,
        measurer=measurer(runtimes=(runtime,)),
        now_unix_ms=lambda: 0,
        on_progress=on_progress,
        spans=spans,
    )


def is_closed(artifact: OpenArtifact) -> bool:
    try:
        return not artifact.path.exists()
    except ValueError:
        return True


async def test_what_was_opened_for_a_thread_that_never_begins_is_closed(tmp_path: Path) -> None:
    cache, loop = WatchedCache(tmp_path), asyncio.get_running_loop()
    measuring, is_over = asyncio.Event(), threading.Event()
    with ThreadPoolExecutor(max_workers=1) as only_one:
        loop.set_default_executor(only_one)

        def busy_from_now(progress: Progress) -> None:
            if progress.stage is Stage.MEASURING:
                loop.run_in_executor(None, is_over.wait)
                measuring.set()

        running = asyncio.create_task(job(cache, busy_from_now).run())
        await measuring.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        is_over.set()
    (artifact,) = cache.opened
    assert is_closed(artifact)


async def test_what_a_thread_opens_for_a_job_that_has_ended_is_closed(tmp_path: Path) -> None:
    cache = WatchedCache(tmp_path)
    cache.may_open.clear()
    running = asyncio.create_task(job(cache).run())
    await asyncio.to_thread(cache.opening.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    cache.may_open.set()
    # Its thread is waited for by the loop's executor, and its end is heard a turn later.
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0)
    (artifact,) = cache.opened
    assert is_closed(artifact)


async def test_what_a_job_did_is_told_within_the_trace_of_its_lease(tmp_path: Path) -> None:
    heard = Heard()
    report = await job(WatchedCache(tmp_path), measurer=Waits, spans=heard).run()
    assert report.failure is not None
    assert [span.name for span in heard.spans] == ["fetch", "measure", "wait"]
    assert {span.within for span in heard.spans} == {LEASE.trace_context}
    fetch, measure, wait = heard.spans
    assert (fetch.failure, wait.failure) == ("", "")
    assert "the child died" in measure.failure
    assert fetch.end_ns <= measure.begin_ns <= wait.begin_ns <= wait.end_ns


async def test_nothing_is_told_of_a_job_whose_controller_traces_none(tmp_path: Path) -> None:
    heard, untraced = Heard(), replace(LEASE, trace_context="")
    report = await job(WatchedCache(tmp_path), measurer=Waits, spans=heard, given=untraced).run()
    assert report.failure is not None
    assert heard.spans == []
