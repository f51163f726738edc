"""Whatever an agent sends is understood or refused in a sentence, and what is kept can be shown."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from controller.api.rpc.from_agents import decode_from_agent
from controller.domain.errors import EdgerankError, ErrorCode
from controller.figures.latency import latency_figures, memory_figures, minute_figures
from controller.figures.verdicts import verdict
from controller.fleet.credibility import check_hello
from controller.fleet.credibility.saying import are_of_agents
from controller.fleet.reports import UnreadableReport, judged
from protos import fleet as conversation
from protos.codec import MessageInvalid, to_message
from protos.measuring import Repetition
from protos.reasons import ReasonCode, reason
from protos.v1 import fleet_pb2, query_pb2, types_pb2
from tests.contract.drawing import FUZZED, changed, messages, spoiled
from tests.integration.controller.domain_samples import failed_report, measured_report
from tests.unit.controller.samples.measurements import device, repetition, settings
from tests.unit.controller.samples.profiles import PROFILE

TakenT = TypeVar("TakenT")
SETTINGS = settings()
CORES_TAKEN = reason(ReasonCode.CORES_TAKEN, load_by_others=1.2, most=1)
TRACE = gzip.compress(
    json.dumps([{"name": "run", "ph": "X", "ts": 0, "dur": 9, "pid": 1, "tid": 1}]).encode(),
    mtime=0,
)


def _sound() -> dict[str, Message]:
    """A message of each kind that makes sense."""
    known = device()
    taken = repetition((5_000_000,) * 20 + (6_000_000,) * 20, started_unready=CORES_TAKEN)
    report = measured_report("a", "j")
    assert report.measured is not None
    measured = replace(report.measured, repetition=taken)
    profiled = conversation.Profiled(
        runtime=report.measured.runtime, times=PROFILE.times, trace_gzip=TRACE
    )
    said: dict[str, Any] = {
        "hello": conversation.Hello(
            device_id=known.device_id,
            name=known.name,
            labels=known.labels,
            profile=known.profile,
            held_attempt_ids=("a",),
            features=("report-refused", "more"),
        ),
        "heartbeat": conversation.Heartbeat(held_attempt_ids=("a", "b")),
        "progress": conversation.Progress(
            attempt_id="a", stage=conversation.Stage.WAITING, waiting_for=CORES_TAKEN
        ),
        "give_back": conversation.GiveBack(attempt_id="a"),
        "measured": replace(report, measured=measured),
        "profiled": replace(report, measured=None, profiled=profiled),
        "failed": failed_report("a", "j"),
    }
    types: dict[str, type[Message]] = {
        "hello": fleet_pb2.Hello,
        "heartbeat": fleet_pb2.Heartbeat,
        "progress": fleet_pb2.Progress,
        "give_back": fleet_pb2.GiveBack,
    }
    return {
        name: to_message(message, types.get(name, fleet_pb2.Report))
        for name, message in said.items()
    }


SOUND = _sound()
# The beginning of a group of a field that nobody knows.
GROUPS = b"\xfb\x3e"


def request(name: str, part: Message) -> bytes:
    field = name if name not in ("measured", "profiled", "failed") else "report"
    return fleet_pb2.ConnectRequest(**{field: part}).SerializeToString()  # type: ignore[arg-type]


def hear(content: bytes) -> conversation.Report | None:
    """All that is done with what an agent says before anything of it is kept; a report's end."""
    said = _taken(lambda: decode_from_agent(content))
    match said:
        case conversation.Hello() if _taken(lambda: _greeted(said)):
            enrolled = replace(device(), name=said.name, labels=said.labels, profile=said.profile)
            to_message(enrolled, query_pb2.Device)
        case conversation.Progress(waiting_for=waits_for):
            if waits_for is not None and are_of_agents((waits_for,)):
                to_message(waits_for, types_pb2.Reason)
        case conversation.Report() | UnreadableReport():
            return _record(said)
    return None


def _greeted(said: conversation.Hello) -> bool:
    check_hello(said)
    return True


def _taken(take: Callable[[], TakenT]) -> TakenT | None:
    """What is made of it; None where it is refused, as it may be."""
    try:
        return take()
    except (MessageInvalid, EdgerankError) as error:
        refusal = error
    assert getattr(refusal, "code", ErrorCode.INVALID_INPUT) is ErrorCode.INVALID_INPUT
    assert str(refusal).isprintable()
    return None


def _record(said: conversation.Report | UnreadableReport) -> conversation.Report:
    for told in (SETTINGS, replace(SETTINGS, cores=(0,)), replace(SETTINGS, profile_runs=2)):
        report, refusal = judged(said, told)
        assert (report is said) is not bool(refusal)
        assert report.failure is None or are_of_agents(report.failure.reasons)
        # What people ask for later is made of this.
        to_message(report, fleet_pb2.Report)
    report, _ = judged(said, SETTINGS)
    if report.measured is not None:
        _derive(report.measured.repetition)
    return report


def _derive(taken: Repetition) -> None:
    for counted in ((taken,), (taken, repetition((5_000_000, 6_000_000)))):
        figures = latency_figures(counted)
        to_message(figures, query_pb2.LatencyFigures)
        to_message(memory_figures(counted), query_pb2.MemoryFigures)
        for minute in minute_figures(counted):
            to_message(minute, query_pb2.MinuteFigures)
        _, reasons = verdict(figures, counted, 0.02)
        for each in reasons:
            to_message(each, types_pb2.Reason)


@pytest.mark.parametrize("name", SOUND)
def test_what_makes_sense_is_taken(name: str) -> None:
    said = decode_from_agent(request(name, SOUND[name]))
    assert not isinstance(said, UnreadableReport)
    assert said is not None
    if isinstance(said, conversation.Report):
        asked = replace(SETTINGS, profile_runs=2) if name == "profiled" else SETTINGS
        assert judged(said, asked) == (said, "")
    hear(request(name, SOUND[name]))


@FUZZED
@given(messages(fleet_pb2.ConnectRequest))
def test_any_message_is_understood_or_refused(message: Message) -> None:
    hear(message.SerializeToString())


@pytest.mark.parametrize("name", SOUND)
@FUZZED
@given(data=st.data())
def test_so_is_one_that_made_sense_until_some_of_it_became_anything(
    name: str, data: st.DataObject
) -> None:
    part = data.draw(changed(SOUND[name]))
    report = hear(request(name, part))
    assert (report is None) is (name not in ("measured", "profiled", "failed")) or (
        # An id may be too long to name any attempt.
        max(len(part.attempt_id), len(part.job_id)) > 20_000  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("name", SOUND)
@FUZZED
@given(data=st.data())
def test_so_is_one_whose_bytes_broke(name: str, data: st.DataObject) -> None:
    hear(
        request(name, SOUND[name])[: data.draw(st.integers(0, 12))]
        + data.draw(spoiled(SOUND[name]))
    )


@pytest.mark.parametrize(
    "content",
    [
        GROUPS * 100_000,
        fleet_pb2.ConnectEnvelope(hello=GROUPS * 30_000).SerializeToString(),
        # A length beyond the end, and one beyond every machine.
        b"\x2a\xff\xff\xff\xff\x0f",
        b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
    ids=range(4),
)
def test_so_are_bytes_that_are_nested_or_long_without_end(content: bytes) -> None:
    with pytest.raises(MessageInvalid):
        decode_from_agent(content)


def test_a_report_whose_attempt_is_no_text_is_heard_as_of_none() -> None:
    said = decode_from_agent(b"\x2a\x05\x0a\x03\xff\xfe\xfd")
    assert isinstance(said, UnreadableReport)
    assert said.attempt_id == ""


def test_a_report_at_the_limit_of_everything_is_taken() -> None:
    state = types_pb2.DeviceState(taken_at_unix_ms=1)
    state.clocks.extend([types_pb2.CpuClock(cpu=1, governor="g", frequency_khz=1)] * 100)
    report = fleet_pb2.Report()
    report.CopyFrom(SOUND["measured"])  # type: ignore[arg-type]
    taken = report.measured.repetition
    taken.ClearField("latency_ns")
    taken.latency_ns.extend([3_000_000] * 200_000)
    taken.during.extend([state] * 119)
    assert hear(request("measured", report)) is not None
    taken.latency_ns.append(3_000_000)
    said = decode_from_agent(request("measured", report))
    assert isinstance(said, UnreadableReport)
    assert "200001" in said.detail
