"""What an agent said: weighed before it is decoded, and decoded within bounds.

Protobuf makes a hundred bytes of memory of two bytes on the wire, so what a stranger sends is
measured in bytes first, part by part, with an envelope that decodes none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message

from controller.fleet.reports import UnreadableReport
from protos import fleet as conversation
from protos.codec import Bounds, MessageInvalid, from_message
from protos.v1 import fleet_pb2, types_pb2

MessageT = TypeVar("MessageT", bound=Message)
Said: TypeAlias = "conversation.FromAgent | UnreadableReport | None"
_KIB: Final = 1024
# A detail is cut by the agent far below its characters.
_FEW: Final = Bounds(items=1_000, numbers=1_000, characters=20_000)


@dataclass(frozen=True)
class Allowance:
    """How long an encoded part may be, and what it may hold once it is decoded."""

    size_bytes: int
    bounds: Bounds


_SAID: Final[Mapping[str, tuple[type[conversation.FromAgent], type[Message], Allowance]]] = {
    "hello": (conversation.Hello, fleet_pb2.Hello, Allowance(64 * _KIB, _FEW)),
    "heartbeat": (conversation.Heartbeat, fleet_pb2.Heartbeat, Allowance(64 * _KIB, _FEW)),
    "ready": (conversation.Ready, fleet_pb2.Ready, Allowance(_KIB, _FEW)),
    "give_back": (conversation.GiveBack, fleet_pb2.GiveBack, Allowance(_KIB, _FEW)),
    "progress": (conversation.Progress, fleet_pb2.Progress, Allowance(64 * _KIB, _FEW)),
}
_OUTCOMES: Final[Mapping[str, Allowance]] = {
    # 200,000 samples of 5 bytes, and 120 states of a device with a hundred cores.
    "measured": Allowance(4 * _KIB**2, Bounds(items=1_000, numbers=200_000, characters=20_000)),
    "failure": Allowance(256 * _KIB, _FEW),
    # 8 MiB of trace, and 20,000 layers.
    "profiled": Allowance(16 * _KIB**2, Bounds(items=20_000, numbers=1_000, characters=20_000)),
}
MAX_MESSAGE_BYTES: Final = 17 * _KIB**2
"""More than any part may have, so that what is too long is told by its name."""
# Of a number: its place in a list, and itself, which takes two bytes or more where it came.
_TIMES_DECODED: Final = 20
# Of 200,000 numbers, and of a trace of 8 MiB with 20,000 layers.
_MOST_DECODED_BYTES: Final = 20 * _KIB**2


def most_bytes_of(size_bytes: int) -> int:
    """As how many bytes an encoded report is counted: its own, and those of it when decoded."""
    return size_bytes + min(_TIMES_DECODED * size_bytes, _MOST_DECODED_BYTES)


def decode_from_agent(content: bytes) -> Said:
    """What an agent said; of a report that cannot be read, whose it is and why.

    A newer agent may say what this version does not know: another kind of message, another stage
    of its work, what that waits for, a runtime. It is None, or left out, so that what both know
    goes on.

    Args:
        content: an encoded ConnectRequest.

    Raises:
        MessageInvalid: it is no message of the contract, or more than an agent may say, and no
            report. A report that does not even tell its attempt is one of no attempt.
    """
    said, _is_free = hear_from_agent(content)
    return said


def hear_from_agent(content: bytes) -> tuple[Said, bool]:
    """As `decode_from_agent`, and whether the agent is free once what it said is done."""
    envelope = _decoded(content, fleet_pb2.ConnectEnvelope)
    return _said(envelope), envelope.is_free


def _said(envelope: fleet_pb2.ConnectEnvelope) -> Said:
    kind = envelope.WhichOneof("message")
    if kind is None:
        return None
    part: bytes = getattr(envelope, kind)
    if kind == "report":
        return _report(part)
    domain_type, message_type, allowance = _SAID[kind]
    _weigh(kind, part, allowance)
    message = _decoded(part, message_type)
    if isinstance(message, fleet_pb2.Progress):
        if message.stage not in fleet_pb2.Stage.values():
            return None
        if message.waiting_for.code not in types_pb2.ReasonCode.values():
            message.ClearField("waiting_for")
    if isinstance(message, fleet_pb2.Hello):
        _leave_out_unknown_runtimes(message)
    return from_message(message, domain_type, allowance.bounds)


def weigh_greeting(content: bytes) -> None:
    """Refuses what is too long to be a Hello, before it waits in memory for its turn.

    Args:
        content: an encoded ConnectRequest.

    Raises:
        MessageInvalid: it is too long.
    """
    _weigh("hello", content, _SAID["hello"][2])


def _leave_out_unknown_runtimes(hello: fleet_pb2.Hello) -> None:
    known = types_pb2.Runtime.values()
    understood = [each for each in hello.profile.runtimes if each.runtime in known]
    del hello.profile.runtimes[:]
    hello.profile.runtimes.extend(understood)


def _report(content: bytes) -> conversation.Report | UnreadableReport:
    try:
        envelope = _decoded(content, fleet_pb2.ReportEnvelope)
    except MessageInvalid as error:
        return _of_no_attempt(str(error))
    kind = envelope.WhichOneof("outcome")
    try:
        if kind is None:
            raise MessageInvalid("it has no outcome that this version knows")
        allowance = _OUTCOMES[kind]
        # All of it: what stands beside the outcome, or came before it, would be decoded as well.
        _weigh(kind, content, allowance)
        return from_message(
            _decoded(content, fleet_pb2.Report), conversation.Report, allowance.bounds
        )
    except MessageInvalid as error:
        if max(len(envelope.attempt_id), len(envelope.job_id)) > _FEW.characters:
            return _of_no_attempt(str(error))
        return UnreadableReport(
            attempt_id=envelope.attempt_id,
            job_id=envelope.job_id,
            started_at_unix_ms=envelope.started_at_unix_ms,
            ended_at_unix_ms=envelope.ended_at_unix_ms,
            waited_ms=envelope.waited_ms,
            detail=str(error),
        )


def _of_no_attempt(why: str) -> UnreadableReport:
    return UnreadableReport(
        attempt_id="",
        job_id="",
        started_at_unix_ms=0,
        ended_at_unix_ms=0,
        waited_ms=0,
        detail=why,
    )


def _weigh(kind: str, part: bytes, allowance: Allowance) -> None:
    if len(part) > allowance.size_bytes:
        raise MessageInvalid(
            f"a {kind} message of {len(part)} bytes is too long; "
            f"at most {allowance.size_bytes} may be"
        )


def _decoded(content: bytes, message_type: type[MessageT]) -> MessageT:
    try:
        return message_type.FromString(content)
    except DecodeError as error:
        raise MessageInvalid(
            "an agent sent what is no message; use the same edgerank version there"
        ) from error
