"""Traces of jobs, from plan to result, told as each part of one ends; see `protos/traces`."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from controller.fleet.changes import Changes
from controller.state.database import Database
from controller.state.rounds.underway import EndedJob, ended_since
from protos.fleet import Lease, Report
from protos.log_lines import event_log
from protos.traces import NO_SPANS, Fact, Span, Spans

log = event_log(__name__)

_NS_PER_MS: Final = 1_000_000
# What is kept in memory of sweeps and jobs that go on; of more, traces say less.
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True)
class _Out:
    """An attempt that is out."""

    lease: Lease
    since_ns: int


class Tracing:
    """What one controller knows of jobs' times."""

    def __init__(
        self,
        spans: Spans,
        database: Database,
        changes: Changes,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._spans = spans
        self._database = database
        self._changes = changes
        self._now_ns = now_ns
        # By device, which has one at a time.
        self._out: dict[str, _Out] = {}
        self._planned_since_ns: OrderedDict[str, int] = OrderedDict()
        self._last_report_ns: OrderedDict[str, int] = OrderedDict()

    def now_ns(self) -> int:
        """The time, ns since 1970 UTC."""
        return self._now_ns()

    def planned(self, sweep_id: str, begin_ns: int) -> None:
        """A sweep was planned from this time on; what was said first holds."""
        if self._spans is NO_SPANS:
            return
        self._planned_since_ns.setdefault(sweep_id, begin_ns)
        _keep_newest(self._planned_since_ns)

    def leased(self, device_id: str, lease: Lease) -> Lease:
        """An attempt is given to a device: the lease that tells its agent of which trace it is."""
        context = self._spans.of_attempt(lease.job_id, lease.attempt_id)
        if not context:
            return lease
        before = self._out.get(device_id)
        if before is None or before.lease.attempt_id != lease.attempt_id:
            self._end(device_id, "nothing came of it")
            self._out[device_id] = _Out(lease, self._now_ns())
        return replace(lease, trace_context=context)

    def reported(self, device_id: str, report: Report, came_ns: int) -> None:
        """A report that came at this time is committed, and what follows from it."""
        out = self._out.get(device_id)
        if out is None or out.lease.attempt_id != report.attempt_id:
            return
        lease = out.lease
        context = self._spans.of_attempt(lease.job_id, lease.attempt_id)
        commit = Span(name="commit", begin_ns=came_ns, end_ns=self._now_ns(), within=context)
        self._spans.tell(commit)
        self._last_report_ns[lease.job_id] = came_ns
        self._last_report_ns.move_to_end(lease.job_id)
        _keep_newest(self._last_report_ns)
        why = ", ".join(map(str, report.failure.reasons)) if report.failure else ""
        self._end(device_id, why)

    def given_back(self, device_id: str, attempt_id: str) -> None:
        """A device gave an attempt back."""
        out = self._out.get(device_id)
        if out is not None and out.lease.attempt_id == attempt_id:
            self._end(device_id, "its agent gave it back")

    def watches(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What goes on beside the controller: nothing where nobody wants traces."""
        return () if self._spans is NO_SPANS else (self._follow(),)

    async def _follow(self) -> None:
        """Tells of each job that ends from now on, for ever."""
        seen: set[str] = set()
        since_unix_ms = self._now_ns() // _NS_PER_MS
        version = self._changes.version
        while True:
            try:
                ended = await asyncio.to_thread(ended_since, self._database, since_unix_ms)
            # Whatever it is, nobody's measuring ends for a trace; the next look may do better.
            except Exception:
                log.exception("jobs that ended could not be traced")
                ended = []
            for job in ended:
                if job.job_id not in seen:
                    self._tell_job(job)
            if ended:
                since_unix_ms = ended[-1].ended_at_unix_ms
                seen = {each.job_id for each in ended if each.ended_at_unix_ms == since_unix_ms}
            await self._changes.next_look(version)
            version = self._changes.version

    def _end(self, device_id: str, failure: str) -> None:
        out = self._out.pop(device_id, None)
        if out is None:
            return
        lease = out.lease
        facts: dict[str, Fact] = {
            "edgerank.attempt": lease.attempt_id,
            "edgerank.device_id": device_id,
            "edgerank.repetition": lease.ordinal,
            "edgerank.artifact": lease.artifact_sha256,
        }
        self._spans.tell(
            Span(
                name="lease",
                begin_ns=out.since_ns,
                end_ns=self._now_ns(),
                within=self._spans.of_job(lease.job_id),
                own=self._spans.of_attempt(lease.job_id, lease.attempt_id),
                facts=facts,
                failure=failure,
            )
        )

    def _tell_job(self, job: EndedJob) -> None:
        context = self._spans.of_job(job.job_id)
        started_ns = _NS_PER_MS * job.started_at_unix_ms
        begin_ns = self._planned_since_ns.get(job.sweep_id, started_ns)
        end_ns = _NS_PER_MS * job.ended_at_unix_ms
        self._spans.tell(
            Span(name="plan", begin_ns=begin_ns, end_ns=max(begin_ns, started_ns), within=context)
        )
        if job.is_converted_for_it:
            made_ns = _NS_PER_MS * job.converted_at_unix_ms
            # Its steps overlap, and another sweep may have begun it.
            child_processes_ns = round(1_000 * _NS_PER_MS * job.converting_s)
            self._spans.tell(
                Span(
                    name="conversion",
                    begin_ns=max(started_ns, made_ns - child_processes_ns),
                    end_ns=made_ns,
                    within=context,
                    facts={"edgerank.child_processes_s": job.converting_s},
                )
            )
        last_ns = min(self._last_report_ns.pop(job.job_id, end_ns), end_ns)
        self._spans.tell(Span(name="settle", begin_ns=last_ns, end_ns=end_ns, within=context))
        facts: dict[str, Fact] = {
            "edgerank.sweep": job.sweep_id,
            "edgerank.job": job.job_id,
            "edgerank.device": job.device,
            "edgerank.backbone": job.backbone,
            "edgerank.verdict": job.verdict.value,
        }
        self._spans.tell(
            Span(
                name="job",
                begin_ns=begin_ns,
                end_ns=end_ns,
                own=context,
                facts=facts,
                failure=", ".join(map(str, job.reasons)) if job.is_failed else "",
            )
        )


def _keep_newest(kept: OrderedDict[str, int]) -> None:
    while len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
