"""What an agent sends is weighed before it is decoded, and never more than a sentence to us."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.rpc.from_agents import decode_from_agent
from controller.fleet.reports import UnreadableReport, judged
from protos.codec import MessageInvalid, to_message
from protos.device import DeviceProfile
from protos.fleet import Heartbeat, Hello, Report
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.unit.controller.samples.measurements import settings as settings_of_job


def said(**part: object) -> bytes:
    return fleet_pb2.ConnectRequest(**part).SerializeToString()  # type: ignore[arg-type]


def reported(report: fleet_pb2.Report) -> Report | UnreadableReport:
    decoded = decode_from_agent(said(report=report))
    assert isinstance(decoded, Report | UnreadableReport)
    return decoded


def doubt(report: Report | UnreadableReport) -> str:
    """Why it cannot be read; that this is what is recorded of it is checked, too."""
    assert isinstance(report, UnreadableReport)
    recorded, refusal = judged(report, settings_of_job())
    assert recorded.failure is not None
    assert recorded.failure.code is ReasonCode.RUBBISH
    assert recorded.failure.reasons[0].words["detail"] == refusal
    assert report.detail in refusal
    return report.detail


def refusal(content: bytes) -> str:
    """Why it is refused; empty where it is not."""
    try:
        decode_from_agent(content)
    except MessageInvalid as error:
        return str(error)
    return ""


def test_what_makes_sense_is_decoded() -> None:
    sent = hello("phone")
    assert decode_from_agent(said(hello=to_message(sent, fleet_pb2.Hello))) == sent
    for report in (measured_report("a", "j"), failed_report("a", "j")):
        assert reported(to_message(report, fleet_pb2.Report)) == report
    assert decode_from_agent(said(heartbeat=fleet_pb2.Heartbeat())) == Heartbeat(
        held_attempt_ids=()
    )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused_in_one_sentence(content: bytes) -> None:
    assert "\n" not in refusal(content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_so_is_a_message_with_bytes_changed(data: st.DataObject) -> None:
    whole = said(report=to_message(measured_report("a", "j"), fleet_pb2.Report))
    content = bytearray(whole[:400] if data.draw(st.booleans()) else whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "\n" not in refusal(bytes(content))


def test_a_hello_of_three_megabytes_is_refused_by_its_length() -> None:
    profile = types_pb2.DeviceProfile(architecture="a", caches=[types_pb2.CpuCache()] * 1_500_000)
    content = said(hello=fleet_pb2.Hello(device_id="id", name="phone", profile=profile))
    with pytest.raises(MessageInvalid, match=r"a hello message of 3\d{6} bytes .* 65536"):
        decode_from_agent(content)


def test_so_is_one_with_too_many_of_anything_or_too_long_a_text() -> None:
    few = DeviceProfile(architecture="x86_64")
    crowd = Hello(device_id="id", name="p", labels={str(n): "" for n in range(2_000)}, profile=few)
    with pytest.raises(MessageInvalid, match="labels has 2000 entries"):
        decode_from_agent(said(hello=to_message(crowd, fleet_pb2.Hello)))
    long = Hello(device_id="i" * 30_000, name="p", labels={}, profile=few)
    with pytest.raises(MessageInvalid, match="device_id has 30000 characters"):
        decode_from_agent(said(hello=to_message(long, fleet_pb2.Hello)))


def test_a_report_that_is_too_long_is_one_of_its_attempt_that_cannot_be_read() -> None:
    states = types_pb2.Repetition(during=[types_pb2.DeviceState()] * 3_000_000)
    measured = fleet_pb2.Measured(repetition=states)
    taken = reported(fleet_pb2.Report(attempt_id="a", job_id="j", measured=measured))
    assert (taken.attempt_id, taken.job_id) == ("a", "j")
    assert "4194304" in doubt(taken)


def test_so_is_one_that_hides_its_length_behind_another_outcome() -> None:
    states = types_pb2.Repetition(during=[types_pb2.DeviceState()] * 3_000_000)
    long = fleet_pb2.Report(attempt_id="a", measured=fleet_pb2.Measured(repetition=states))
    failure = to_message(failed_report("a", "j"), fleet_pb2.Report)
    content = long.SerializeToString() + failure.SerializeToString()
    envelope = fleet_pb2.ConnectEnvelope(report=content)
    taken = decode_from_agent(envelope.SerializeToString())
    assert isinstance(taken, UnreadableReport)
    assert "262144" in doubt(taken)


@pytest.mark.parametrize(
    "report",
    [
        fleet_pb2.Report(attempt_id="a"),
        fleet_pb2.Report(
            attempt_id="a",
            failure=fleet_pb2.Failure(reasons=[types_pb2.Reason(code=9_999)]),  # type: ignore[arg-type]
        ),
    ],
    ids=["no outcome", "a reason of a newer version"],
)
def test_so_is_one_that_this_version_does_not_understand(report: fleet_pb2.Report) -> None:
    assert doubt(reported(report))


@pytest.mark.parametrize(
    "report",
    [
        fleet_pb2.Report(attempt_id="a" * 30_000).SerializeToString(),
        # A text of bytes that are no text, and a field that is cut off.
        b"\x0a\x02\xff\xfe",
        b"\x0a\x20a",
    ],
    ids=["too long", "no text", "cut off"],
)
def test_a_report_that_names_no_attempt_by_any_id_is_one_of_none(report: bytes) -> None:
    envelope = fleet_pb2.ConnectEnvelope(report=report)
    taken = decode_from_agent(envelope.SerializeToString())
    assert isinstance(taken, UnreadableReport)
    assert taken.attempt_id == ""
    assert taken.detail


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_none_is_refused_wherever_it_stands(figure: float) -> None:
    greeting = to_message(hello("phone"), fleet_pb2.Hello)
    greeting.profile.cpu_quota_cores = figure
    with pytest.raises(MessageInvalid, match="cpu_quota_cores"):
        decode_from_agent(said(hello=greeting))
    report = to_message(measured_report("a", "j"), fleet_pb2.Report)
    report.measured.repetition.during[0].load_by_others = figure
    assert "load_by_others" in doubt(reported(report))


def test_texts_arrive_without_what_moves_a_cursor_or_forges_a_line() -> None:
    evil = "up\x1b[31m\x00\n2026 ERROR \u202egnp.exe\x07"
    profile = DeviceProfile(architecture="x86_64", operating_system=evil)
    sent = Hello(device_id="id", name="p", labels={}, profile=profile)
    arrived = decode_from_agent(said(hello=to_message(sent, fleet_pb2.Hello)))
    assert isinstance(arrived, Hello)
    assert arrived.profile.operating_system == "up [31m  2026 ERROR  gnp.exe "


def test_what_a_newer_agent_says_beside_what_both_know_is_left_out() -> None:
    assert decode_from_agent(b"") is None
    unknown_part = b"\xfa\x01\x02hi"
    assert decode_from_agent(unknown_part) is None
    resting = fleet_pb2.Progress(attempt_id="a", stage=99)  # type: ignore[arg-type]
    assert decode_from_agent(said(progress=resting)) is None
    waiting = fleet_pb2.Progress(attempt_id="a", stage=fleet_pb2.STAGE_WAITING)
    known = decode_from_agent(said(progress=waiting))
    waiting.waiting_for.code = 9_999  # type: ignore[assignment]
    assert decode_from_agent(said(progress=waiting)) == known
    greeting = to_message(hello("phone"), fleet_pb2.Hello)
    greeting.profile.runtimes.add(runtime=99, version="1")
    assert decode_from_agent(said(hello=greeting)) == hello("phone")
