"""A fleet of simulated agents that report as fast as they are answered.

They encode what they say once and decode no more than they need: the controller's cores are theirs.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, cast

import grpc
import numpy as np

from protos.codec import to_message
from protos.fleet import FEATURES, Measured
from protos.v1 import fleet_pb2
from tests.benchmarks.fleet.simulated import RUNTIME, hello
from tests.measured import repetition_of

_READY: Final = fleet_pb2.ConnectRequest(ready=fleet_pb2.Ready()).SerializeToString()
# Different repetitions that are told; agents take turns among them.
_TOLD: Final = 64
_METHOD: Final = f"/{fleet_pb2.DESCRIPTOR.services_by_name['Fleet'].full_name}/Connect"


@dataclass
class SimulatedFleet:
    """Agents that report each lease at once, one report under way each.

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
            stream = _Stream(channel)
            await stream.send(_hello(number))
            while (said := await stream.receive()) and said.HasField("in_line"):
                pass
            assert said is not None
            assert said.HasField("welcome")
            self.welcomed_s.append(time.perf_counter())
            held: set[str] = set()
            interval_s = said.welcome.heartbeat_interval_ms / 1_000
            beating = asyncio.create_task(_beat(stream, held, interval_s))
            try:
                await self._work(stream, held, number)
            finally:
                beating.cancel()

    async def _work(self, stream: "_Stream", held: set[str], number: int) -> None:
        has_worked = False
        given: fleet_pb2.Lease | None = None
        is_reporting = False
        await stream.send(_READY)
        while (said := await stream.receive()) is not None:
            if said.HasField("report_committed"):
                self.committed_s.append(time.perf_counter())
                held.discard(said.report_committed.attempt_id)
                is_reporting = False
            lease = said.lease_besides if said.HasField("lease_besides") else said.lease
            if lease.attempt_id:
                if not has_worked:
                    self.first_leases_s.append(time.perf_counter())
                has_worked = True
                given = lease
                held.add(lease.attempt_id)
            if given is not None and not is_reporting:
                report, given, is_reporting = _report(given, number), None, True
                number += 1
                await stream.send(report)


class _Stream:
    """An agent's stream, on which one message is sent at a time."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call: Any = channel.stream_stream(
            _METHOD, response_deserializer=fleet_pb2.ConnectResponse.FromString
        )()
        self._sending = asyncio.Lock()

    async def send(self, said: bytes) -> None:
        async with self._sending:
            await self._call.write(said)

    async def receive(self) -> fleet_pb2.ConnectResponse | None:
        """What the controller says next; None at the end."""
        heard = await self._call.read()
        return None if heard is grpc.aio.EOF else cast(fleet_pb2.ConnectResponse, heard)


async def _beat(stream: _Stream, held: Iterable[str], interval_s: float) -> None:
    """Gives signs of life of what is held, for ever."""
    await asyncio.sleep(random.uniform(0, interval_s))
    while True:
        beat = fleet_pb2.Heartbeat(held_attempt_ids=held)
        await stream.send(fleet_pb2.ConnectRequest(heartbeat=beat).SerializeToString())
        await asyncio.sleep(interval_s)


def _hello(number: int) -> bytes:
    said = replace(hello(number), features=FEATURES)
    return fleet_pb2.ConnectRequest(hello=to_message(said, fleet_pb2.Hello)).SerializeToString()


def _report(lease: fleet_pb2.Lease, number: int) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    report = fleet_pb2.Report(
        attempt_id=lease.attempt_id,
        job_id=lease.job_id,
        started_at_unix_ms=now_ms,
        ended_at_unix_ms=now_ms,
        measured=_told(number % _TOLD),
    )
    # As an agent does, which is free once it has told.
    return fleet_pb2.ConnectRequest(report=report, is_free=True).SerializeToString()


@lru_cache(maxsize=_TOLD)
def _told(number: int) -> fleet_pb2.Measured:
    noise = np.random.default_rng(number).standard_normal(50)
    samples = tuple((5_000_000 + 10_000 * noise).astype(int).tolist())
    measured = Measured(runtime=RUNTIME, repetition=repetition_of(samples))
    return to_message(measured, fleet_pb2.Measured)
