"""Who else comes to a controller: what was said before comes again, and agents of other versions.

They speak the contract themselves, so that they can say what no agent of this version says.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import grpc

from protos.codec import to_message
from protos.fleet import PROTOCOL, Hello
from protos.v1 import fleet_pb2
from tests.faults.template import hello

CONNECT: Final = "/edgerank.v1.Fleet/Connect"
_PATIENCE_S: Final = 20.0
# Field 2,047, a text that says "newer": nobody has it.
_UNKNOWN_FIELD: Final = b"\xfa\x7f\x05newer"
_UNKNOWN_NUMBER: Final = 9_999
Statuses = frozenset[grpc.StatusCode]
# What a visitor meets whose controller is killed, stopped or without a disk.
NOBODY_THERE: Final[Statuses] = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        # Its place was taken by the agent that it comes as.
        grpc.StatusCode.OK,
    }
)
# What one meets, besides, who shows a certificate that may have ended on the way.
NOBODY_ANY_MORE: Final = NOBODY_THERE | {grpc.StatusCode.PERMISSION_DENIED}
# What gRPC says on the visitor's own side of a stream that broke while something was written to it.
_BROKEN: Final = "Internal error from Core"


async def repeat_reports(
    channel: grpc.aio.Channel, device: str, reports: Sequence[bytes], explained: Statuses
) -> str | None:
    """Sends a device's reports again, twice and in reversed order; what was wrong with the answer.

    None where each was acknowledged, or the stream ended with a status that explains itself.
    """
    # Whoever does not say which run of an agent it is may be any of them.
    first = _hello_bytes(hello(device, held_attempt_ids=tuple(map(_attempt_of, reports))))
    again = [_report_bytes(report) for report in (*reports, *reversed(reports))]
    return await _say_all(channel, [first, *again], len(again), explained)


async def speak_another_protocol(
    channel: grpc.aio.Channel, device: str, explained: Statuses
) -> str | None:
    """Comes as a device with another protocol; what was wrong with the answer."""
    first = _hello_bytes(hello(device, protocol=PROTOCOL + 1))
    heard = await _say(channel, [first], count=1)
    is_refused = heard.status is grpc.StatusCode.INVALID_ARGUMENT
    if (heard.ended_with(explained) or is_refused) and not heard.kinds:
        return None
    return f"another protocol was answered with {heard}"


async def report_for_others(channel: grpc.aio.Channel, reports: Sequence[bytes]) -> str | None:
    """Comes as a newer agent of its own device with others' reports, and with what nobody knows."""
    said = [_hello_bytes(hello("newer"), _UNKNOWN_FIELD), _UNKNOWN_FIELD]
    for report in reports:
        stage = fleet_pb2.Progress(attempt_id=_attempt_of(report))
        stage.stage = _UNKNOWN_NUMBER  # type: ignore[assignment]
        said.append(_report_bytes(report, _UNKNOWN_FIELD))
        said.append(fleet_pb2.ConnectRequest(progress=stage).SerializeToString())
        said.append(_report_bytes(_failed_for_what_nobody_knows(report)))
    return await _say_all(channel, said, 2 * len(reports), NOBODY_THERE)


async def _say_all(
    channel: grpc.aio.Channel, said: Sequence[bytes], acknowledged: int, explained: Statuses
) -> str | None:
    expected = ["welcome", *["report_committed"] * acknowledged]
    heard = await _say(channel, said, count=len(expected))
    if heard.kinds == expected or heard.ended_with(explained):
        return None
    return f"a visitor was answered with {heard}"


class _Heard(NamedTuple):
    """What a visitor was answered: kinds of messages, leases not counted, and how it ended."""

    kinds: list[str]
    status: grpc.StatusCode | None
    details: str | None

    def ended_with(self, statuses: Statuses) -> bool:
        """Whether it ended with one of them, or broke on the visitor's own side."""
        return self.status in statuses or self.details == _BROKEN


async def _say(channel: grpc.aio.Channel, said: Sequence[bytes], count: int) -> _Heard:
    """Say all of it, and hear so many answers, or until the stream ends."""
    # Bytes as they are: generated code would not write what it does not know.
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(CONNECT)(
        timeout=_PATIENCE_S
    )
    kinds: list[str] = []
    # It says so only if the stream ended while something was said.
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for each in said:
            await call.write(each)
        while len(kinds) < count:
            answer = await call.read()
            if not isinstance(answer, bytes):
                break
            kind = fleet_pb2.ConnectResponse.FromString(answer).WhichOneof("message")
            kinds += [kind] if kind in ("welcome", "report_committed") else []
    if len(kinds) == count:
        call.cancel()
        return _Heard(kinds, None, None)
    return _Heard(kinds, await call.code(), await call.details())


def _hello_bytes(said: Hello, more: bytes = b"") -> bytes:
    content = to_message(said, fleet_pb2.Hello).SerializeToString() + more
    return fleet_pb2.ConnectEnvelope(hello=content).SerializeToString()


def _report_bytes(report: bytes, more: bytes = b"") -> bytes:
    return fleet_pb2.ConnectEnvelope(report=report + more).SerializeToString()


def _failed_for_what_nobody_knows(report: bytes) -> bytes:
    known = fleet_pb2.Report.FromString(report)
    why = fleet_pb2.Failure()
    why.reasons.add(code=_UNKNOWN_NUMBER)
    return fleet_pb2.Report(
        attempt_id=known.attempt_id, job_id=known.job_id, failure=why
    ).SerializeToString()


def _attempt_of(report: bytes) -> str:
    return fleet_pb2.Report.FromString(report).attempt_id
