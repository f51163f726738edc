"""What a serving controller counts, times and has open, as Prometheus reads it.

Counters and times are kept while things happen. What is open is asked for at each scrape: it is in
memory, or as much as is open, and never all that ever was.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from typing import Final

import grpc
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.domain.jobs import JobState

_COMMIT_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# Of the smallest backbone on a fast machine, to that of the largest on a slow one.
_CONVERSION_S: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class _Ending:
    """How a call ends that goes on; OK unless something is said."""

    status = grpc.StatusCode.OK


_ending: ContextVar[_Ending] = ContextVar("ending")


def ends_with(status: grpc.StatusCode) -> None:
    """Says with which status the call that goes on ends."""
    ending = _ending.get(None)
    if ending is not None:
        ending.status = status


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How things stand at one moment.

    Attributes:
        connected_devices: whose agents are connected.
        leases: that these hold.
        outbox_lengths: messages that wait to be sent, for each of them.
        conversions_running: those that compute, or wait for this machine's measurements to end.
        conversions_queued: those that wait for a core or memory.
        reports_committed: since the start; a report that came again is not counted.
        attempts_lost: since the start.
        open_jobs: those that have not ended, by state.
    """

    connected_devices: int
    leases: int
    outbox_lengths: tuple[int, ...]
    conversions_running: int
    conversions_queued: int
    reports_committed: int
    attempts_lost: int
    open_jobs: Mapping[JobState, int]


class Meters:
    """All of one controller, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Gauge(
            "edgerank_build_info", "Which edgerank serves.", ["version"], registry=self.registry
        ).labels(metadata.version("edgerank")).set(1)
        self._calls = Counter(
            "edgerank_rpcs",
            "Calls that ended.",
            ["method", "status"],
            registry=self.registry,
        )
        self._open_calls = Gauge(
            "edgerank_rpcs_open",
            "Calls that go on: agents' streams are Connect, watchers are WatchSweep.",
            ["method"],
            registry=self.registry,
        )
        self._commit_seconds = Histogram(
            "edgerank_report_commit_seconds",
            "From the arrival of a report to its acknowledgement.",
            buckets=_COMMIT_S,
            registry=self.registry,
        )
        self._conversion_seconds = Histogram(
            "edgerank_conversion_seconds",
            "Wall time of the steps of each artifact that was made.",
            buckets=_CONVERSION_S,
            registry=self.registry,
        )

    @contextmanager
    def call(self, method: str) -> Iterator[None]:
        """Counts a call, by the status that it ends with."""
        ending = _Ending()
        _ending.set(ending)
        is_open = self._open_calls.labels(method)
        is_open.inc()
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            if ending.status is grpc.StatusCode.OK:
                ending.status = grpc.StatusCode.CANCELLED
            raise
        except Exception:
            # What gRPC's own services end with, they say to gRPC alone.
            if ending.status is grpc.StatusCode.OK:
                ending.status = grpc.StatusCode.UNKNOWN
            raise
        finally:
            is_open.dec()
            self._calls.labels(method, ending.status.name).inc()

    def committed(self, seconds: float) -> None:
        """A report was acknowledged so long after it came."""
        self._commit_seconds.observe(seconds)

    def converted(self, seconds: float) -> None:
        """An artifact was made in so long."""
        self._conversion_seconds.observe(seconds)

    def watch(self, standing: Callable[[], Standing | None]) -> None:
        """Asks how things stand at each scrape, in the scrape's thread; None leaves them out."""
        self.registry.register(_Standings(standing))


class _Standings(Collector):
    """What is asked for at each scrape."""

    def __init__(self, standing: Callable[[], Standing | None]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        now = self._standing()
        if now is None:
            return
        yield GaugeMetricFamily(
            "edgerank_devices_connected",
            "Devices whose agents are connected.",
            value=now.connected_devices,
        )
        yield GaugeMetricFamily(
            "edgerank_leases", "Leases that connected agents hold.", value=now.leases
        )
        yield GaugeMetricFamily(
            "edgerank_outbox_messages",
            "Messages that wait to be sent to agents.",
            value=sum(now.outbox_lengths),
        )
        yield GaugeMetricFamily(
            "edgerank_outbox_longest",
            "Messages that wait for the agent with the most of them.",
            value=max(now.outbox_lengths, default=0),
        )
        yield CounterMetricFamily(
            "edgerank_reports_committed", "Reports that were new.", value=now.reports_committed
        )
        yield CounterMetricFamily(
            "edgerank_attempts_lost", "Attempts that were given up.", value=now.attempts_lost
        )
        by_state = {"running": now.conversions_running, "queued": now.conversions_queued}
        yield _labelled("edgerank_conversions", "Backbones whose conversion goes on.", by_state)
        yield _labelled(
            "edgerank_jobs_open",
            "Jobs that have not ended.",
            {state.value: count for state, count in now.open_jobs.items()},
        )


def _labelled(name: str, said: str, by_state: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=["state"])
    for state, count in by_state.items():
        family.add_metric([state], count)
    return family
