"""A report that waited in the spool is the report that was made."""

import pytest
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
from agent.wire import decode_report, encode_report
from protos.codec import MessageInvalid

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
    assert decode_report(encode_report(report)) == report


def test_bytes_that_are_no_report_are_told() -> None:
    with pytest.raises(MessageInvalid, match="cannot be read"):
        decode_report(b"\xff\xff\xff")
