"""Agents without a runtime: real messages on real sockets, and samples that nobody took."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np

from agent.link.wire import AgentStream, FleetClient
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state import jobs
from controller.state.artifacts import record_artifact
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.sweeps import set_phase
from controller.sweeps.planning import Plan, plan_sweep
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Variant, WeightsKind
from models.conversion.parity import Parity
from models.conversion.pipeline import Converted
from models.weights.weights import Weights
from protos.device import DeviceProfile
from protos.fleet import (
    FromAgent,
    Heartbeat,
    Hello,
    InLine,
    Lease,
    Measured,
    Ready,
    Report,
    ReportCommitted,
    Welcome,
)
from protos.runtimes import Runtime, RuntimeInfo
from tests.measured import repetition_of

RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
REPETITIONS = 3
WEIGHTS = Weights(WeightsKind.SYNTHETIC, "simulated", "d" * 64, "nobody's", None, None)


def hello(number: int) -> Hello:
    """What the agent of this number says first."""
    profile = DeviceProfile(
        architecture="x86_64", runtimes=(RUNTIME,), logical_cores=256, hostname="elsewhere"
    )
    name = f"simulated-{number:05}"
    return Hello(device_id=f"id-of-{name}", name=name, labels={}, profile=profile)


def enrol_devices(database: Database, count: int) -> None:
    """Remembers so many devices."""
    store_catalog(database, load_catalog())
    for number in range(count):
        enrol(database, hello(number), now_unix_ms=0)


def ids_of(count: int) -> frozenset[str]:
    """The ids of the first agents, so many."""
    return frozenset(hello(number).device_id for number in range(count))


def plan(
    database: Database,
    device_ids: frozenset[str],
    threads: int,
    batches: int,
    repetitions: int = REPETITIONS,
) -> tuple[SweepSpec, Plan]:
    """A sweep of threads x batches jobs on each device, each of so many repetitions."""
    spec = SweepSpec(
        backbones=("MobileNetV1",),
        devices=(),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=tuple(range(1, threads + 1)),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=repetitions,
        most_repetitions=repetitions,
        relative_half_width=0.02,
        time_budget_ms=1_000,
        batches=tuple(range(1, batches + 1)),
    )
    known = [
        device for device in list_devices(database, device_ids) if device.device_id in device_ids
    ]
    return spec, plan_sweep(spec, known, load_catalog())


def start(database: Database, spec: SweepSpec, planned: Plan) -> str:
    """Starts a sweep whose artifacts nobody fetches; gives its id."""
    sweep_id = create_sweep(database, spec, planned.jobs, now_unix_ms=0)
    for variant in jobs.waiting_variants(database, sweep_id, jobs.Role.CANDIDATE):
        key = _store_artifact(database, variant)
        jobs.queue_jobs(database, sweep_id, jobs.Role.CANDIDATE, variant, key)
    set_phase(database, sweep_id, SweepPhase.MEASURING, now_unix_ms=0)
    return sweep_id


def report_of(lease: Lease, rng: np.random.Generator) -> Report:
    """What an agent reports of a lease that it has just got."""
    now_ms = time.time_ns() // 1_000_000
    samples = tuple((5_000_000 + 10_000 * rng.standard_normal(50)).astype(int).tolist())
    return Report(
        attempt_id=lease.attempt_id,
        job_id=lease.job_id,
        started_at_unix_ms=now_ms,
        ended_at_unix_ms=now_ms,
        measured=Measured(runtime=RUNTIME, repetition=repetition_of(samples)),
    )


@dataclass
class SimulatedFleet:
    """Agents that report each lease at once.

    Attributes:
        address: the controller's.
        count: how many agents.
        committed_s: when each report was acknowledged, s of `time.perf_counter`.
        welcomed_s: when each agent was welcomed.
        first_leases_s: when each agent had its first lease.
    """

    address: str
    count: int
    committed_s: list[float] = field(default_factory=list)
    welcomed_s: list[float] = field(default_factory=list)
    first_leases_s: list[float] = field(default_factory=list)

    async def run(self, is_enough: Callable[[], bool], most_s: float) -> None:
        """Works until it is enough, or for so long, s."""
        agents = [asyncio.create_task(self._agent(number)) for number in range(self.count)]
        ends_s = time.perf_counter() + most_s
        while not is_enough() and time.perf_counter() < ends_s:
            await asyncio.sleep(0.02)
            for ended in (agent for agent in agents if agent.done()):
                ended.result()
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)

    async def _agent(self, number: int) -> None:
        # Each has a connection of its own, as on a machine of its own.
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.address, options=options) as channel:
            stream = StreamInTurn(FleetClient(channel, lambda: 0).connect())
            await stream.send(hello(number))
            while isinstance(welcome := await stream.receive(), InLine):
                pass
            assert isinstance(welcome, Welcome)
            self.welcomed_s.append(time.perf_counter())
            held: set[str] = set()
            beating = asyncio.create_task(beat(stream, held, welcome.heartbeat_interval_ms / 1_000))
            try:
                await self._work(stream, held, np.random.default_rng(number))
            finally:
                beating.cancel()

    async def _work(self, stream: "StreamInTurn", held: set[str], rng: np.random.Generator) -> None:
        has_worked = False
        await stream.send(Ready())
        while (said := await stream.receive()) is not None:
            now_s = time.perf_counter()
            match said:
                case Lease():
                    if not has_worked:
                        self.first_leases_s.append(now_s)
                    has_worked = True
                    held.add(said.attempt_id)
                    await stream.send(report_of(said, rng))
                case ReportCommitted():
                    self.committed_s.append(now_s)
                    held.discard(said.attempt_id)
                    await stream.send(Ready())


class StreamInTurn:
    """An agent's stream, on which one message is sent at a time."""

    def __init__(self, stream: AgentStream) -> None:
        self._sending = asyncio.Lock()
        self._stream = stream
        self.receive = stream.receive

    async def send(self, message: FromAgent) -> None:
        async with self._sending:
            await self._stream.send(message)


async def beat(stream: StreamInTurn, held: Iterable[str], interval_s: float) -> None:
    """Gives signs of life of what is held, for ever."""
    await asyncio.sleep(random.uniform(0, interval_s))
    while True:
        await stream.send(Heartbeat(held_attempt_ids=tuple(held)))
        await asyncio.sleep(interval_s)


def _store_artifact(database: Database, variant: Variant) -> str:
    digest = hashlib.sha256(repr(variant).encode()).hexdigest()
    parity = Parity(
        max_relative_difference=1e-6,
        tolerance=1e-4,
        input_count=4,
        checked_through=CheckedThrough.OWN_FORMAT,
    )
    converted = Converted(
        variant=variant,
        conversion_key=digest,
        weights=WEIGHTS,
        path=Path("unused"),
        sha256=digest,
        size_bytes=10,
        parity=parity,
        tool_versions={},
        seconds=1.0,
    )
    return record_artifact(database, converted, now_unix_ms=0).conversion_key
