"""The Fleet service: agents' streams and artifact downloads. Translates, and calls the fleet."""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import ExitStack, aclosing
from functools import lru_cache
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from controller.access.members import Members
from controller.api.arrivals import Arrivals
from controller.api.bandwidth import Bandwidth
from controller.api.lasting import called_at
from controller.api.limits import Limits
from controller.api.meters import Meters
from controller.api.pacing import Rates
from controller.api.rpc.decoding import REPORTS, Decoding, Heard
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.from_agents import weigh_greeting
from controller.api.rpc.guard import current_caller, good_until_unix_ms
from controller.api.rpc.held.weighing import Scales
from controller.api.rpc.reporting import Reporting
from controller.api.tracing import Tracing
from controller.domain.devices import DeviceEventKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.clock import Clock
from controller.fleet.reports import SaidReport, UnreadableReport
from controller.fleet.sessions import AgentSession
from controller.state.blobs import CHUNK_BYTES, LARGE_CHUNK_BYTES
from controller.sweeps.repairing import StoredArtifacts
from protos import fleet as conversation
from protos.codec import to_message
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2

_TO_AGENT: Mapping[type[conversation.ToAgent], tuple[str, type[Message]]] = {
    conversation.Welcome: ("welcome", fleet_pb2.Welcome),
    conversation.InLine: ("in_line", fleet_pb2.InLine),
    conversation.SlowDown: ("slow_down", fleet_pb2.SlowDown),
    conversation.Lease: ("lease", fleet_pb2.Lease),
    conversation.ReportCommitted: ("report_committed", fleet_pb2.ReportCommitted),
    conversation.ReportRefused: ("report_refused", fleet_pb2.ReportRefused),
    conversation.Cancel: ("cancel", fleet_pb2.Cancel),
    conversation.CertificateDue: ("certificate_due", fleet_pb2.CertificateDue),
}

# Of a certificate's time: it is told then that it ends. An agent renews long before by itself.
_LAST_SHARE: Final = 4
# That an agent is free once it reported is written with the report.
_BESIDE_A_REPORT: Final = (conversation.Ready, conversation.Heartbeat, conversation.Progress)

# So many at once are given large chunks; more would cost the memory that few have to spare.
_FEW_FETCHES: Final = 8

# Encoded ConnectRequests: what is decoded, and where, is decided below.
Requests = AsyncIterator[bytes]


def fleet_handler(service: "FleetService") -> grpc.GenericRpcHandler:
    """The Fleet service as a server takes it, agents' messages left encoded."""
    return grpc.method_handlers_generic_handler(
        fleet_pb2.DESCRIPTOR.services_by_name["Fleet"].full_name,
        {
            "Connect": grpc.stream_stream_rpc_method_handler(
                service.Connect,
                response_serializer=fleet_pb2.ConnectResponse.SerializeToString,
            ),
            "FetchArtifact": grpc.unary_stream_rpc_method_handler(
                service.FetchArtifact,
                request_deserializer=fleet_pb2.FetchArtifactRequest.FromString,
                response_serializer=encoded_chunk,
            ),
        },
    )


class FleetService:
    """What agents call."""

    def __init__(
        self,
        fleet: Fleet,
        artifacts: StoredArtifacts,
        members: Members,
        limits: Limits,
        *,
        bandwidth: Bandwidth,
        meters: Meters,
        tracing: Tracing,
        clock: Clock,
    ) -> None:
        self._tracing = tracing
        self.sessions: set[AgentSession] = set()
        self._meters = meters
        self._fleet = fleet
        self._artifacts = artifacts
        self._limits = limits
        self._bandwidth = bandwidth
        self._members = members
        self._clock = clock
        self._arrivals = Arrivals(limits.greetings_at_once, clock)
        # Who is told how long it waits stands in line already: what finds no room comes again.
        self._greetings = Scales(limits.greetings_bytes, 0, "greetings")
        self._fetches = 0
        self._rates = Rates(per_s=limits.messages_per_s, saved=limits.saved_messages)
        self._decoding = Decoding(limits)

    async def Connect(  # noqa: N802 - the contract's name
        self, request_iterator: Requests, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[fleet_pb2.ConnectResponse]:
        """Holds one agent's stream for as long as both live."""
        async with answered_failures(context):
            # Where no certificate says who it is, each stream is somebody else's.
            who = current_caller().device_id or object()
            await self._wait_for_turn(who, self._limits.greeting_messages)
            greeting = await anext(request_iterator, b"")
            try:
                weigh_greeting(greeting)
                with ExitStack() as held:
                    await self._greetings.keep(who, len(greeting), held)
                    async with self._arrivals.place() as place:
                        while (wait_s := await place.look()) is not None:
                            yield _to_agent(conversation.InLine(wait_ms=round(1_000 * wait_s)))
                        session = await self._welcomed(greeting)
            finally:
                # It is long: the session lasts, and a refusal may wait to be told.
                del greeting
            hearing = asyncio.create_task(self._hear(session, request_iterator, who))
            self.sessions.add(session)
            due = called_at(self._renewal_due_unix_ms(), self._clock, session.renew)
            how: DeviceEventKind | None = DeviceEventKind.LOST
            try:
                with due:
                    while (said := await session.outbox.get()) is not None:
                        if isinstance(said, EdgerankError):
                            raise said
                        yield self._told(session, said)
                # Else this side ended it.
                how = None
                if hearing.done():
                    how = DeviceEventKind.LOST
                    await hearing
                    how = DeviceEventKind.LEFT
            finally:
                hearing.cancel()
                self.sessions.discard(session)
                await self._fleet.disconnect(session, how)

    def _told(self, session: AgentSession, said: conversation.ToAgent) -> fleet_pb2.ConnectResponse:
        if isinstance(said, conversation.Lease):
            return _to_agent(self._tracing.leased(session.device_id, said))
        response = _to_agent(said)
        lease = session.lease_besides()
        if lease is not None:
            lease = self._tracing.leased(session.device_id, lease)
            response.lease_besides.CopyFrom(to_message(lease, fleet_pb2.Lease))
        return response

    async def FetchArtifact(  # noqa: N802 - the contract's name
        self,
        request: fleet_pb2.FetchArtifactRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[memoryview]:
        """Streams an artifact from an offset on."""
        async with answered_failures(context):
            await self._check_fetch(request.sha256)
            # Where no certificate says who it is, an agent is known by its connection.
            who = current_caller().device_id or context.peer()
            is_alone = self._fetches < _FEW_FETCHES and not self._bandwidth.is_limited
            chunk_bytes = LARGE_CHUNK_BYTES if is_alone else CHUNK_BYTES
            reading = self._artifacts.read(request.sha256, request.offset_bytes, chunk_bytes)
            self._fetches += 1
            try:
                async with aclosing(reading) as chunks:
                    async for chunk in chunks:
                        await self._bandwidth.wait_for_turn(who, len(chunk))
                        yield chunk
            finally:
                self._fetches -= 1

    def _renewal_due_unix_ms(self) -> int | None:
        """When an agent is told to renew that has not by itself, before its certificate ends."""
        until_unix_ms = good_until_unix_ms()
        if until_unix_ms is None:
            return None
        return until_unix_ms - (until_unix_ms - self._clock.unix_ms()) // _LAST_SHARE

    async def _attested(self, hello: conversation.Hello) -> conversation.Hello:
        """The Hello, if the caller is who it says."""
        caller = current_caller()
        if caller.device_id == hello.device_id:
            return hello
        if caller.device_id is not None:
            raise EdgerankError(
                ErrorCode.NOT_ALLOWED,
                "the agent says that it is another device than its certificate says; a state "
                "folder is of one device: give this agent one of its own, and join with a token",
            )
        if await asyncio.to_thread(self._members.is_member, hello.device_id):
            raise EdgerankError(
                ErrorCode.NOT_ALLOWED,
                "this device joined with a certificate, and comes back with it only; start its "
                "agent with the state folder that it had, or with a token for it",
            )
        return hello

    async def _check_fetch(self, sha256: str) -> None:
        device_id = current_caller().device_id
        if device_id is None:
            return
        if not await asyncio.to_thread(self._members.may_fetch, device_id, sha256):
            # It may have been, before a file was made again with other bytes: the device is fine.
            raise EdgerankError(
                ErrorCode.UNKNOWN_NAME, "no artifact of these bytes is leased to this device"
            )

    async def _wait_for_turn(self, who: Hashable, cost: float = 1) -> None:
        """Waits, before it is read, as long as an agent says more than it may."""
        wait_s = self._rates.wait_s(who, self._clock.monotonic_ms(), cost)
        if wait_s:
            await asyncio.sleep(wait_s)

    async def _hear(self, session: AgentSession, requests: Requests, who: Hashable) -> None:
        reporting = Reporting()
        try:
            with reporting.heard_beside():
                await self._wait_for_turn(who)
                async for request in requests:
                    came_s = time.monotonic()
                    with session.held_up():
                        try:
                            heard = await self._decoding.heard(request, who)
                        finally:
                            # Else each would be kept until the agent says the next.
                            del request
                        await self._do(session, heard, reporting, came_s)
                    del heard
                    # Else who says much and reads nothing would fill the memory with answers.
                    await session.outbox.room(self._limits.outbox_messages)
                    await self._wait_for_turn(who)
                await reporting.rest()
        finally:
            session.outbox.put_nowait(None)

    async def _do(
        self, session: AgentSession, heard: Heard, reporting: Reporting, came_s: float
    ) -> None:
        said = heard.said
        with ExitStack() as held:
            if heard.portion is not None:
                held.callback(self._decoding.scales.give_back, heard.portion)
            if not isinstance(said, _BESIDE_A_REPORT):
                await reporting.rest()
            if isinstance(said, REPORTS):
                await self._hear_complaint(session, said)
                session.reporting = said.attempt_id
                reporting.begin(self._report(session, said, came_s, held.pop_all()))
                if heard.is_free:
                    self._fleet.ready_soon(session)
            elif said is not None:
                await self._handle(session, said)

    async def _welcomed(self, greeting: bytes) -> AgentSession:
        said = (await self._decoding.decoded(greeting)).said
        # A failure below keeps what is here until it is told.
        del greeting
        if isinstance(said, conversation.Hello):
            return await self._fleet.connect(await self._attested(said))
        raise EdgerankError(ErrorCode.INVALID_INPUT, "an agent's first message must be Hello")

    async def _handle(self, session: AgentSession, said: conversation.FromAgent) -> None:
        match said:
            case conversation.Heartbeat():
                await self._fleet.heartbeat(session, said)
            case conversation.Ready():
                self._fleet.ready_soon(session)
            case conversation.Progress():
                self._fleet.progress(session, said)
            case conversation.GiveBack():
                await self._fleet.take_back(session, said)
                self._tracing.given_back(session.device_id, said.attempt_id)
            case conversation.Hello():
                raise EdgerankError(ErrorCode.INVALID_INPUT, "an agent says Hello only once")

    async def _report(
        self, session: AgentSession, said: SaidReport, came_s: float, held: ExitStack
    ) -> None:
        came_ns = self._tracing.now_ns()
        with held:
            try:
                await self._fleet.report(session, said)
            except BaseException:
                session.is_broken = True
                raise
        if isinstance(said, conversation.Report):
            self._tracing.reported(session.device_id, said, came_ns)
        self._meters.committed(time.monotonic() - came_s)

    async def _hear_complaint(self, session: AgentSession, report: SaidReport) -> None:
        """Looks at what an agent could not fetch whole, before its turn is queued again."""
        if isinstance(report, UnreadableReport):
            return
        lease = session.leases.get(report.attempt_id)
        codes = {each.code for each in report.failure.reasons} if report.failure else set()
        if lease is not None and ReasonCode.ARTIFACT_DAMAGED in codes:
            for sha256 in filter(None, (lease.artifact_sha256, lease.reference_sha256)):
                await self._artifacts.check(sha256)


def encoded_chunk(chunk: memoryview) -> bytes:
    """An encoded FetchArtifactResponse: its bytes are copied once, which protobuf does thrice."""
    return b"".join((_before_chunk(len(chunk)), chunk))


@lru_cache(maxsize=8)
def _before_chunk(size_bytes: int) -> bytes:
    """What stands in the message before so many bytes."""
    whole = fleet_pb2.FetchArtifactResponse(chunk=bytes(size_bytes)).SerializeToString()
    return whole[: len(whole) - size_bytes]


def _to_agent(said: conversation.ToAgent) -> fleet_pb2.ConnectResponse:
    field, message_type = _TO_AGENT[type(said)]
    response = fleet_pb2.ConnectResponse()
    getattr(response, field).CopyFrom(to_message(said, message_type))
    return response
