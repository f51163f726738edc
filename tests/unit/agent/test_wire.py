"""A report that waited in the spool is the report that was made."""

from hypothesis import given
from hypothesis import strategies as st

from agent.domain import (
    CpuClock,
    DeviceState,
    Failure,
    FailureReason,
    Measured,
    Repetition,
    Report,
    Runtime,
    RuntimeInfo,
    StopReason,
    Temperature,
)
from agent.stopping import MAX_SAMPLES, MAX_WARMUP
from agent.wire import encode_report
from protos import fleet_pb2
from protos.codec import from_message

unsigned = st.integers(0, 2**64 - 1)
small = st.integers(0, 2**32 - 1)
times = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(codec="utf-8"))
states = st.builds(
    DeviceState,
    taken_at_unix_ms=times,
    clocks=st.lists(
        st.builds(CpuClock, cpu=small, governor=st.none() | texts, frequency_khz=unsigned),
        max_size=2,
    ).map(tuple),
    temperatures=st.lists(
        st.builds(Temperature, zone=texts, celsius=st.floats(-40, 150)), max_size=2
    ).map(tuple),
    load_average=st.none() | st.floats(0, 100),
)
repetitions = st.builds(
    Repetition,
    latency_ns=st.lists(unsigned).map(tuple),
    warmup_ns=st.lists(unsigned).map(tuple),
    load_ns=unsigned,
    peak_rss_bytes=unsigned,
    baseline_rss_bytes=unsigned,
    busy_threads=small,
    stop_reason=st.sampled_from(StopReason),
    pss_bytes=st.none() | unsigned,
    before=states,
    after=states,
)
measured = st.builds(
    Measured,
    runtime=st.builds(RuntimeInfo, runtime=st.sampled_from(Runtime), version=texts, build=texts),
    repetitions=st.lists(repetitions, max_size=2).map(tuple),
    affinity=st.lists(small, max_size=3).map(tuple),
)
failures = st.builds(Failure, reason=st.sampled_from(FailureReason), detail=texts)
reports = st.builds(
    Report,
    attempt_id=texts,
    job_id=texts,
    started_at_unix_ms=times,
    ended_at_unix_ms=times,
    measured=measured,
) | st.builds(
    Report,
    attempt_id=texts,
    job_id=texts,
    started_at_unix_ms=times,
    ended_at_unix_ms=times,
    failure=failures,
)


@given(reports)
def test_a_report_is_read_as_it_was_made(report: Report) -> None:
    content = encode_report(report)
    assert from_message(fleet_pb2.Report.FromString(content), Report) == report


def test_the_longest_report_is_far_below_what_a_controller_receives() -> None:
    # 600 s, the longest budget, have room for as many samples only of up to 3 ms.
    latency_ns = (3_000_000,) * MAX_SAMPLES
    repetition = Repetition(
        latency_ns=latency_ns,
        warmup_ns=latency_ns[:MAX_WARMUP],
        load_ns=1,
        peak_rss_bytes=1,
        baseline_rss_bytes=1,
        busy_threads=1,
        stop_reason=StopReason.TIME_BUDGET,
    )
    report = Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=1,
        ended_at_unix_ms=2,
        measured=Measured(
            runtime=RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"),
            repetitions=(repetition,),
        ),
    )
    repetitions, received_bytes = 20, 64 * 1024**2
    assert repetitions * len(encode_report(report)) < received_bytes / 2
