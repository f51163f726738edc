"""Works off one lease: fetches the artifact, measures or profiles it; always ends in a report."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from agent.cache import ArtifactCache, ArtifactRefused
from agent.domain import (
    Failure,
    FailureReason,
    Lease,
    Measured,
    Profiled,
    Progress,
    Report,
    Stage,
)
from agent.fetching import Chunks, fetch
from agent.measuring import Measurer
from agent.supervision import Cancellation, MeasuringFailed


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
    ) -> None:
        self.lease = lease
        self._source = source
        self._cache = cache
        self._measurer = measurer
        self._now_unix_ms = now_unix_ms
        self._on_progress = on_progress
        self._cancellation = Cancellation()
        self._fetching: asyncio.Task[Path] | None = None

    def cancel(self) -> None:
        """End it early; `run` still returns a report."""
        self._cancellation.cancel()
        if self._fetching is not None:
            self._fetching.cancel()

    async def run(self) -> Report:
        """Fetch and measure; heartbeats go on meanwhile, as measuring waits in a thread."""
        started_at_unix_ms = self._now_unix_ms()
        outcome = await self._outcome()
        return Report(
            attempt_id=self.lease.attempt_id,
            job_id=self.lease.job_id,
            started_at_unix_ms=started_at_unix_ms,
            ended_at_unix_ms=self._now_unix_ms(),
            measured=outcome if isinstance(outcome, Measured) else None,
            profiled=outcome if isinstance(outcome, Profiled) else None,
            failure=outcome if isinstance(outcome, Failure) else None,
        )

    async def _outcome(self) -> Measured | Profiled | Failure:
        try:
            # Before the artifact is fetched: what cannot be measured need not be there.
            self._measurer.check(self.lease.settings)
            artifact = await self._fetch()
            if self.lease.settings.profile_runs:
                return await self._profile(artifact)
            return await self._measure(artifact)
        except ArtifactRefused as error:
            return Failure(reason=FailureReason.ARTIFACT, detail=str(error))
        except MeasuringFailed as error:
            return error.failure

    async def _fetch(self) -> Path:
        self._report_progress(Stage.FETCHING)
        self._fetching = asyncio.create_task(fetch(self._source, self._cache, self.lease))
        try:
            return await self._fetching
        except asyncio.CancelledError:
            self._cancellation.raise_if_cancelled()
            raise

    async def _measure(self, artifact: Path) -> Measured:
        loop = asyncio.get_running_loop()
        self._report_progress(Stage.MEASURING)
        repetitions_done = 0

        def on_repetition(done: int) -> None:
            nonlocal repetitions_done
            repetitions_done = done
            loop.call_soon_threadsafe(self._report_progress, Stage.MEASURING, done)

        def on_waiting(what: str) -> None:
            loop.call_soon_threadsafe(self._report_waiting, what, repetitions_done)

        return await asyncio.to_thread(
            self._measurer.measure,
            artifact,
            self.lease.settings,
            self._cancellation,
            on_repetition,
            on_waiting,
        )

    async def _profile(self, artifact: Path) -> Profiled:
        loop = asyncio.get_running_loop()
        self._report_progress(Stage.MEASURING)

        def on_waiting(what: str) -> None:
            loop.call_soon_threadsafe(self._report_waiting, what)

        return await asyncio.to_thread(
            self._measurer.profile,
            artifact,
            self.lease.settings,
            self._cancellation,
            on_waiting,
        )

    def _report_waiting(self, what: str, repetitions_done: int = 0) -> None:
        """Say what a start waits for, or, of nothing, that it goes on."""
        self._report_progress(
            Stage.WAITING if what else Stage.MEASURING, repetitions_done, detail=what
        )

    def _report_progress(self, stage: Stage, repetitions_done: int = 0, detail: str = "") -> None:
        self._on_progress(
            Progress(
                attempt_id=self.lease.attempt_id,
                stage=stage,
                repetitions_done=repetitions_done,
                detail=detail,
            )
        )
