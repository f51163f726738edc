"""Works off one lease: fetches the artifact, measures or profiles it.

It always ends in a report, unless the device may not even fetch.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.fetching import Chunks, close_unwanted, fetch
from agent.artifacts.files import (
    ArtifactDamaged,
    ArtifactRefused,
    DeviceDenied,
    OpenArtifact,
)
from agent.link.session import JobDenied, JobEnded
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, DeviceAway, MeasuringFailed
from protos.fleet import Failure, Lease, Measured, Profiled, Progress, Report, Stage, failed
from protos.log_lines import event_log
from protos.reasons import Reason, ReasonCode
from protos.traces import NO_SPANS, Fact, Span, Spans

log = event_log(__name__)

_MS_PER_SECOND = 1_000
_NS_PER_MS = 1_000_000


@dataclass(kw_only=True)
class _Wait:
    """How long a start waits, by a clock that never goes back."""

    monotonic_s: Callable[[], float] = time.monotonic
    begun_s: float | None = None
    begun_unix_ns: int = 0
    ended_s: float | None = None

    def on_waiting(self, what: Reason | None) -> None:
        """The start waits for this, or for nothing any more."""
        if what is None:
            self.ended_s = self.monotonic_s()
        elif self.begun_s is None:
            self.begun_s, self.begun_unix_ns = self.monotonic_s(), time.time_ns()

    def waited_ms(self) -> int:
        """How long it has waited until now."""
        if self.begun_s is None:
            return 0
        ended_s = self.monotonic_s() if self.ended_s is None else self.ended_s
        return round((ended_s - self.begun_s) * _MS_PER_SECOND)


class Job:
    """One lease being worked off.

    Attributes:
        lease: what it works off.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        source: Chunks,
        cache: ArtifactCache,
        measurer: Measurer,
        now_unix_ms: Callable[[], int],
        on_progress: Callable[[Progress], None],
        spans: Spans = NO_SPANS,
    ) -> None:
        self.lease = lease
        # What is within nothing would be a trace of its own, and say of whose job nothing.
        self._spans = spans if lease.trace_context else NO_SPANS
        self._source = source
        self._cache = cache
        self._measurer = measurer
        self._now_unix_ms = now_unix_ms
        self._on_progress = on_progress
        self._wait = _Wait()
        self._cancellation = Cancellation()
        self._fetching: asyncio.Task[OpenArtifact] | None = None

    def cancel(self) -> None:
        """End it early; `run` still returns a report."""
        self._cancellation.cancel()
        if self._fetching is not None:
            self._fetching.cancel()

    async def run(self) -> Report:
        """Fetch and measure; heartbeats go on meanwhile, as measuring waits in a thread.

        Raises:
            DeviceDenied: another attempt has to wait until the device is let in anew.
            DeviceAway: another attempt has to wait until the device is there again.
        """
        backbone, settings = self.lease.backbone, self.lease.settings
        runtime, threads = settings.runtime, settings.threads
        log.info("measuring", backbone=backbone, runtime=runtime, threads=threads)
        started_at_unix_ms = self._now_unix_ms()
        outcome = await self._outcome()
        self._tell_wait()
        if isinstance(outcome, Failure):
            why = ", ".join(map(str, outcome.reasons))
            log.warning("no figure", backbone=backbone, runtime=runtime, reasons=why)
        return Report(
            attempt_id=self.lease.attempt_id,
            job_id=self.lease.job_id,
            started_at_unix_ms=started_at_unix_ms,
            ended_at_unix_ms=self._now_unix_ms(),
            measured=outcome if isinstance(outcome, Measured) else None,
            profiled=outcome if isinstance(outcome, Profiled) else None,
            failure=outcome if isinstance(outcome, Failure) else None,
            waited_ms=self._wait.waited_ms(),
        )

    def _tell_wait(self) -> None:
        begin_ns = self._wait.begun_unix_ns
        if begin_ns:
            end_ns = begin_ns + self._wait.waited_ms() * _NS_PER_MS
            within = self.lease.trace_context
            self._spans.tell(Span(name="wait", begin_ns=begin_ns, end_ns=end_ns, within=within))

    async def _outcome(self) -> Measured | Profiled | Failure:
        try:
            # Before the artifact is fetched: what cannot be measured need not be there.
            self._measurer.check(self.lease.settings)
            with ExitStack() as held, ExitStack() as opened:
                artifact = opened.enter_context(await self._fetch(self.lease, held))
                reference = None
                if self._is_compared:
                    of_reference = _of_reference(self.lease)
                    reference = opened.enter_context(await self._fetch(of_reference, held))
                return await self._measure(artifact, reference, opened)
        except ArtifactDamaged as error:
            return failed(ReasonCode.ARTIFACT_DAMAGED, str(error))
        except ArtifactRefused as error:
            return failed(ReasonCode.ARTIFACT_BROKEN, str(error))
        except MeasuringFailed as error:
            return error.failure

    @property
    def _is_compared(self) -> bool:
        """Whether its outputs are; those of a profile are not."""
        return bool(self.lease.reference_sha256) and not self.lease.settings.profile_runs

    async def _fetch(self, lease: Lease, held: ExitStack) -> OpenArtifact:
        """The file that a lease names as its artifact, which makes room for nothing while held."""
        held.enter_context(self._cache.holding(lease.artifact_sha256))
        self._cancellation.raise_if_cancelled()
        self._report_progress(Stage.FETCHING)
        self._fetching = asyncio.create_task(fetch(self._source, self._cache, lease))
        try:
            with self._spans.timed("fetch", self.lease.trace_context, **_size_of(lease)):
                return await self._fetching
        except asyncio.CancelledError:
            close_unwanted(self._fetching)
            self._cancellation.raise_if_cancelled()
            raise

    async def _measure(
        self, artifact: OpenArtifact, reference: OpenArtifact | None, opened: ExitStack
    ) -> Measured | Profiled:
        loop, settings = asyncio.get_running_loop(), self.lease.settings
        self._report_progress(Stage.MEASURING)

        def on_waiting(what: Reason | None) -> None:
            self._wait.on_waiting(what)
            # Of nothing: that it goes on.
            stage = Stage.WAITING if what else Stage.MEASURING
            loop.call_soon_threadsafe(self._report_progress, stage, what)

        def take() -> Measured | Profiled:
            # Closed where they are used, since this thread may outlive whoever waits for it; where
            # it never begins, by who opened them.
            with opened.pop_all(), self._spans.timed("measure", self.lease.trace_context):
                given = (artifact.path, settings, self._cancellation, on_waiting)
                if settings.profile_runs:
                    return self._measurer.profile(*given)
                return self._measurer.measure(
                    *given,
                    process_spread=self.lease.process_spread,
                    reference=None if reference is None else reference.path,
                )

        return await asyncio.to_thread(take)

    def _report_progress(self, stage: Stage, waiting_for: Reason | None = None) -> None:
        progress = Progress(attempt_id=self.lease.attempt_id, stage=stage, waiting_for=waiting_for)
        self._on_progress(progress)


def _size_of(lease: Lease) -> dict[str, Fact]:
    return {
        "edgerank.artifact": lease.artifact_sha256,
        "edgerank.size_bytes": lease.artifact_size_bytes,
    }


def _of_reference(lease: Lease) -> Lease:
    """A lease of what the outputs are compared with, which comes as artifacts do."""
    return replace(
        lease,
        artifact_sha256=lease.reference_sha256,
        artifact_size_bytes=lease.reference_size_bytes,
    )


async def ending_of(job: Job) -> JobEnded | JobDenied:
    """What came of a job that is run."""
    try:
        return JobEnded(report=await job.run())
    except DeviceAway as error:
        log.warning("the device went while it measured; its job is given back", why=error)
        return JobDenied()
    except DeviceDenied as error:
        log.warning("this device is refused what it was leased; it is given back", error=error)
        return JobDenied()
