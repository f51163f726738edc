"""The contract's messages and calls, as domain objects. The only module that touches `*_pb2`."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Final, cast

import grpc
from google.protobuf.message import DecodeError

from agent.link.incoming import FromController, UnreadableLease
from protos.codec import MessageInvalid, from_message, refuse_unknown, to_message
from protos.fleet import (
    FREE_BESIDES,
    Cancel,
    CertificateDue,
    FromAgent,
    GiveBack,
    Heartbeat,
    Hello,
    InLine,
    Lease,
    Membership,
    Progress,
    Ready,
    Report,
    ReportCommitted,
    ReportRefused,
    SlowDown,
    Welcome,
)
from protos.v1 import fleet_pb2, fleet_pb2_grpc

_SAID: Mapping[str, type[FromController]] = {
    "welcome": Welcome,
    "in_line": InLine,
    "slow_down": SlowDown,
    "report_committed": ReportCommitted,
    "report_refused": ReportRefused,
    "cancel": Cancel,
    "certificate_due": CertificateDue,
}
# Of field 1, whose length comes next, 7 bits a byte.
_CHUNK_TAG: Final = b"\x0a"
_LONGEST_SHIFT: Final = 35
Stream = grpc.aio.StreamStreamCall[fleet_pb2.ConnectRequest, fleet_pb2.ConnectResponse]


class FleetClient:
    """The controller's Fleet service on one channel."""

    def __init__(self, channel: grpc.aio.Channel, now_unix_ms: Callable[[], int]) -> None:
        self._stub = fleet_pb2_grpc.FleetStub(channel)
        self._fetch: grpc.aio.UnaryStreamMultiCallable[
            fleet_pb2.FetchArtifactRequest, memoryview
        ] = channel.unary_stream(
            f"/{fleet_pb2.DESCRIPTOR.services_by_name['Fleet'].full_name}/FetchArtifact",
            request_serializer=fleet_pb2.FetchArtifactRequest.SerializeToString,
            response_deserializer=chunk_of,
        )
        self._now_unix_ms = now_unix_ms

    def connect(self) -> "AgentStream":
        """Open the agent's stream."""
        return AgentStream(self._stub.Connect(), self._now_unix_ms)

    async def fetch_artifact(
        self, sha256: str, offset_bytes: int
    ) -> AsyncGenerator[memoryview, None]:
        """The artifact's bytes from an offset on, in chunks.

        Raises:
            grpc.aio.AioRpcError: the call failed; see the contract for its codes.
        """
        request = fleet_pb2.FetchArtifactRequest(sha256=sha256, offset_bytes=offset_bytes)
        call = self._fetch(request)
        try:
            async for chunk in call:
                yield chunk
        finally:
            call.cancel()


class JoiningClient:
    """The controller's Joining service on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = fleet_pb2_grpc.JoiningStub(channel)

    async def join(self, secret: bytes, request_der: bytes, timeout_s: float) -> Membership:
        """Use a token once.

        Raises:
            grpc.aio.AioRpcError: the call failed; see the contract for its codes.
        """
        request = fleet_pb2.JoinRequest(secret=secret, certificate_request_der=request_der)
        response = await self._stub.Join(request, timeout=timeout_s)
        return from_message(response.membership, Membership)

    async def renew(self, request_der: bytes, timeout_s: float) -> Membership:
        """Get the next certificate; raises as `join` does."""
        request = fleet_pb2.RenewRequest(certificate_request_der=request_der)
        response = await self._stub.Renew(request, timeout=timeout_s)
        return from_message(response.membership, Membership)

    async def check(self, certificate_pem: str, timeout_s: float) -> None:
        """Ask whether a certificate is taken; raises as `join` does."""
        request = fleet_pb2.CheckCertificateRequest(certificate_pem=certificate_pem)
        await self._stub.CheckCertificate(request, timeout=timeout_s)


class AgentStream:
    """The agent's one stream."""

    def __init__(self, call: Stream, now_unix_ms: Callable[[], int]) -> None:
        self._call = call
        self._now_unix_ms = now_unix_ms
        self._is_left = False
        self._features: tuple[str, ...] = ()
        # What came beside what was received last.
        self._lease: Lease | UnreadableLease | None = None

    @property
    def is_left(self) -> bool:
        """Whether this side said that it says no more."""
        return self._is_left

    async def send(self, message: FromAgent) -> None:
        """Send one message.

        Raises:
            grpc.aio.AioRpcError: the stream is broken.
            asyncio.InvalidStateError: the stream has ended.
        """
        await self._call.write(_request(message))

    async def send_each(self, messages: Sequence[FromAgent | bytes]) -> None:
        """Send messages in their order, reports as `encode_report` made them; raises as `send`."""
        for request in _requests(messages, FREE_BESIDES in self._features):
            await self._call.write(request)

    async def receive(self) -> FromController | None:
        """The next message that this version knows; None when the controller ended the stream.

        Raises:
            grpc.aio.AioRpcError: the stream is broken.
        """
        while True:
            if self._lease is not None:
                lease, self._lease = self._lease, None
                return lease
            response = await self._call.read()
            if response is grpc.aio.EOF:
                return None
            said = cast(fleet_pb2.ConnectResponse, response)
            if said.HasField("lease_besides"):
                self._lease = _lease(said.lease_besides, self._now_unix_ms)
            message = decode_from_controller(said, self._now_unix_ms)
            if isinstance(message, Welcome):
                self._features = message.features
            if message is not None:
                return message

    async def end(self) -> None:
        """Say no more, and wait until the controller has ended the stream.

        Raises:
            asyncio.InvalidStateError: the stream has ended.
        """
        self._is_left = True
        await self._call.done_writing()
        await self._call.code()

    def cancel(self) -> None:
        """End the stream at once."""
        self._call.cancel()


def decode_from_controller(
    response: fleet_pb2.ConnectResponse, now_unix_ms: Callable[[], int]
) -> FromController | None:
    """What a controller said; None where a newer one says more than this agent knows.

    A lease that cannot be read, or whose settings ask for what is not known here, is an
    `UnreadableLease`, so that its job gets a reason.

    Args:
        response: what came over the stream.
        now_unix_ms: the device's clock.
    """
    kind = response.WhichOneof("message")
    if kind is None:
        return None
    if kind == "lease":
        return _lease(response.lease, now_unix_ms)
    return from_message(getattr(response, kind), _SAID[kind])


def _lease(lease: fleet_pb2.Lease, now_unix_ms: Callable[[], int]) -> Lease | UnreadableLease:
    try:
        # Beside them, a controller may tell more than an agent has to know.
        refuse_unknown(lease.settings)
        return from_message(lease, Lease)
    except MessageInvalid as error:
        return UnreadableLease(
            attempt_id=lease.attempt_id,
            job_id=lease.job_id,
            received_at_unix_ms=now_unix_ms(),
            detail=str(error),
        )


def chunk_of(message: bytes) -> memoryview:
    """The bytes that an encoded FetchArtifactResponse brings, in place where it has nothing else.

    Protobuf would copy them twice.

    Raises:
        DecodeError: it is no such message.
    """
    if message[:1] == _CHUNK_TAG:
        size_bytes, place = 0, 1
        for shift in range(0, _LONGEST_SHIFT, 7):
            part = message[place] if place < len(message) else 0
            size_bytes |= (part & 0x7F) << shift
            place += 1
            if part < 0x80:
                break
        if len(message) == place + size_bytes:
            return memoryview(message)[place:]
    return memoryview(fleet_pb2.FetchArtifactResponse.FromString(message).chunk)


def encode_report(report: Report) -> bytes:
    """The report as it is kept in the spool."""
    return to_message(report, fleet_pb2.Report).SerializeToString()


def check_kept_report(attempt_id: str, content: bytes) -> None:
    """Refuses bytes of the spool that are no report of the attempt any more.

    Raises:
        MessageInvalid: they are none, or one of another attempt, whose answer would not find it.
    """
    try:
        report = fleet_pb2.Report.FromString(content)
    except DecodeError as error:
        raise MessageInvalid("what the spool kept is no report any more") from error
    if report.attempt_id != attempt_id:
        raise MessageInvalid("what the spool kept is no report of this attempt any more")


def _requests(
    messages: Sequence[FromAgent | bytes], takes_besides: bool
) -> Iterator[fleet_pb2.ConnectRequest]:
    """Requests that say so, in as few as may be."""
    waiting = deque(messages)
    while waiting:
        message = waiting.popleft()
        if not isinstance(message, bytes):
            yield _request(message)
            continue
        request = fleet_pb2.ConnectRequest(report=fleet_pb2.Report.FromString(message))
        if takes_besides and waiting and isinstance(waiting[0], Ready):
            waiting.popleft()
            request.is_free = True
        yield request


def _request(message: FromAgent) -> fleet_pb2.ConnectRequest:
    match message:
        case Hello():
            return fleet_pb2.ConnectRequest(hello=to_message(message, fleet_pb2.Hello))
        case Heartbeat():
            return fleet_pb2.ConnectRequest(heartbeat=to_message(message, fleet_pb2.Heartbeat))
        case Ready():
            return fleet_pb2.ConnectRequest(ready=fleet_pb2.Ready())
        case Progress():
            return fleet_pb2.ConnectRequest(progress=to_message(message, fleet_pb2.Progress))
        case GiveBack():
            return fleet_pb2.ConnectRequest(give_back=to_message(message, fleet_pb2.GiveBack))
        case Report():
            return fleet_pb2.ConnectRequest(report=to_message(message, fleet_pb2.Report))
