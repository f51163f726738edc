"""Members of a fleet without a runtime: real certificates, dialling and messages, many a process.

Each has a connection of its own, whose TLS is of both sides, and dials as an agent does.
"""

import asyncio
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import grpc
import numpy as np

from agent.device.kernel_files import Roots
from agent.device.profile import HostFacts, read_device_profile
from agent.link.channels import secure_channel
from agent.link.connection import DEFAULT_CONNECT_TIMEOUT_S
from agent.link.dialling import Dialler
from agent.link.identity import Identity, new_request
from agent.link.line import Line
from agent.link.rhythm import Rhythm
from agent.link.wire import AgentStream, JoiningClient, encode_report
from protos.device import DeviceProfile
from protos.fleet import (
    FEATURES,
    FromAgent,
    Heartbeat,
    Hello,
    Lease,
    Ready,
    Report,
    ReportCommitted,
    SlowDown,
    Welcome,
)
from protos.joining import JoinToken, secret_digest
from tests.benchmarks.fleet.simulated import RUNTIME, hello, report_of

_ANSWER_S = 60.0
_HOST = HostFacts(
    architecture=platform.machine(),
    system=platform.system(),
    kernel_release=platform.release(),
    hostname="elsewhere",
    python_version=platform.python_version(),
    agent_version=metadata.version("edgerank"),
)


@dataclass
class Tally:
    """What the members of one process did.

    Attributes:
        connected: how many are welcomed now.
        dials: how often they said Hello.
        committed_s: when each report was acknowledged, s since 1970.
        waits_s: from sending each report to its acknowledgement, s.
        attempt_ids: whose reports were acknowledged.
    """

    connected: int = 0
    dials: int = 0
    committed_s: list[float] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    attempt_ids: list[str] = field(default_factory=list)


async def join(token: JoinToken, authority: bytes) -> Identity:
    """Becomes a member, over a connection of its own."""
    request = new_request()
    address = token.addresses[0]
    async with secure_channel(address, authority.decode("ascii"), None) as channel:
        membership = await JoiningClient(channel).join(token.secret, request.request_der, _ANSWER_S)
    return Identity(
        device_id=membership.device_id,
        key_pem=request.key_pem,
        certificate_pem=membership.certificate_pem,
        authority_pem=membership.authority_pem,
        addresses=token.addresses,
        fleet_port=membership.fleet_port,
        renew_after_ms=membership.renew_after_ms,
        token_sha256=secret_digest(token.secret),
    )


class Member:
    """One agent that measures nothing, and reports each lease at once."""

    def __init__(self, identity: Identity, number: int, tally: Tally, folder: Path) -> None:
        self.number = number
        self.works = False
        self._tally = tally
        self._rhythm = Rhythm()
        self._line = Line(identity.addresses, identity, folder, lambda: 0)
        self._dialler = Dialler(self._line, self._rhythm, DEFAULT_CONNECT_TIMEOUT_S)
        self._introduction = replace(
            hello(number),
            device_id=identity.device_id,
            profile=_profile(),
            features=FEATURES,
        )
        self._unsent: dict[str, tuple[Report, float]] = {}
        self._stream: AgentStream | None = None
        self._sending = asyncio.Lock()
        self._rng: np.random.Generator | None = None

    async def live(self) -> None:
        """Dials, and dials again, until it is cancelled."""
        try:
            while True:
                stream, welcome = await self._dialler.dial(self._hello)
                self._rhythm.follow(welcome)
                self._tally.connected += 1
                try:
                    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                        await self._serve(stream)
                finally:
                    self._tally.connected -= 1
                    self._stream = None
                    stream.cancel()
                await asyncio.sleep(self._rhythm.rest_s())
        finally:
            await self._line.close()

    async def work(self) -> None:
        """Asks for a lease, and again after each report, until `works` is no more."""
        self.works = True
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._send(Ready())

    def _hello(self) -> Hello:
        self._tally.dials += 1
        return replace(self._introduction, held_attempt_ids=tuple(self._unsent))

    async def _serve(self, stream: AgentStream) -> None:
        self._stream = stream
        beating = asyncio.create_task(self._beat())
        try:
            for report, _sent_s in tuple(self._unsent.values()):
                await self._tell(report)
            if self.works and not self._unsent:
                await self._send(Ready())
            while (said := await stream.receive()) is not None:
                match said:
                    case SlowDown() | Welcome():
                        self._rhythm.follow(said)
                    case Lease():
                        await self._report(said)
                    case ReportCommitted():
                        self._committed(said.attempt_id)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        await asyncio.sleep(self._rhythm.first_beat_s())
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._send(Heartbeat(held_attempt_ids=tuple(self._unsent)))
                await asyncio.sleep(self._rhythm.interval_s)

    async def _report(self, lease: Lease) -> None:
        self._rng = self._rng or np.random.default_rng(self.number)
        report = report_of(lease, self._rng)
        self._unsent[lease.attempt_id] = report, time.time()
        await self._tell(report)

    def _committed(self, attempt_id: str) -> None:
        # What was sent again after a break is answered twice.
        _report, sent_s = self._unsent.pop(attempt_id, (None, None))
        if sent_s is None:
            return
        now_s = time.time()
        self._tally.committed_s.append(now_s)
        self._tally.waits_s.append(now_s - sent_s)
        self._tally.attempt_ids.append(attempt_id)

    async def _tell(self, report: Report) -> None:
        """Reports, and says as any agent does that it is free then."""
        free = (Ready(),) if self.works else ()
        if (stream := self._stream) is not None:
            async with self._sending:
                await stream.send_each((encode_report(report), *free))

    async def _send(self, message: FromAgent) -> None:
        if (stream := self._stream) is not None:
            async with self._sending:
                await stream.send(message)


@lru_cache(maxsize=1)
def _profile() -> DeviceProfile:
    """As long as a real one, of a device that may have any number of threads."""
    return replace(read_device_profile(Roots(), _HOST, (RUNTIME,)), logical_cores=256)


class Members:
    """Those of one process."""

    def __init__(self, first: int, folder: Path) -> None:
        """Their numbers begin with `first`."""
        self.tally = Tally()
        self._first = first
        self._folder = folder
        self._members: list[Member] = []
        self._lives: list[asyncio.Task[None]] = []

    async def join(self, token: JoinToken, authority: bytes, count: int, at_once: int) -> None:
        """Lets so many become members, some at once."""
        free = asyncio.Semaphore(at_once)

        async def one(number: int) -> Member:
            async with free:
                identity = await join(token, authority)
            return Member(identity, number, self.tally, self._folder)

        numbers = range(self._first, self._first + count)
        self._members += await asyncio.gather(*map(one, numbers))

    def connect(self, below: int) -> None:
        """Lets those of lower numbers dial at once that do not yet."""
        silent = self._members[len(self._lives) :]
        begin = [member for member in silent if member.number < below]
        self._lives += [asyncio.create_task(member.live()) for member in begin]

    async def work(self, numbers: Sequence[int]) -> None:
        """Lets those of these numbers work, and no others."""
        for member in self._members:
            member.works = False
        chosen = [member for member in self._members if member.number in numbers]
        await asyncio.gather(*(member.work() for member in chosen))

    def look(self) -> dict[str, int]:
        """How they stand; fails where one of them has ended."""
        for life in self._lives:
            if life.done():
                life.result()
        tally = self.tally
        return {
            "connected": tally.connected,
            "dials": tally.dials,
            "committed": len(tally.committed_s),
        }

    async def end(self) -> None:
        """Ends all."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
