"""What is said on the wire is what is heard; a report that waited in the spool is what was made."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from agent.child.stopping import MAX_SAMPLES, MAX_WARMUP
from agent.link.wire import AgentStream, chunk_of, encode_report
from agent.measuring.device_watch import MAX_STATES
from controller.api.rpc.fleet_service import encoded_chunk
from protos.codec import from_message
from protos.device import Battery, CpuClock, DeviceState, PowerReading, Temperature, ThrottleCounter
from protos.fleet import (
    CONTROLLER_FEATURES,
    FromAgent,
    Heartbeat,
    Measured,
    Ready,
    Report,
    ReportCommitted,
)
from protos.measuring import ProcessMemory, Repetition, StopReason
from protos.runtimes import Runtime, RuntimeInfo
from protos.v1 import fleet_pb2, types_pb2
from tests.unit.protos.drawing import failures

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
    throttle_counters=st.lists(
        st.builds(ThrottleCounter, name=texts, count=unsigned), max_size=2
    ).map(tuple),
    active_limits=st.lists(texts, max_size=2).map(tuple),
    battery=st.none() | st.builds(Battery, charge_percent=st.none() | st.integers(0, 100)),
    power=st.lists(
        st.builds(PowerReading, source=texts, watts=st.none() | st.floats(0, 100)), max_size=2
    ).map(tuple),
    measured_cpus=st.lists(small, max_size=2).map(tuple),
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
    memory=st.none() | st.builds(ProcessMemory, anonymous_bytes=st.none() | unsigned),
    before=states,
    after=states,
    during=st.lists(states, max_size=2).map(tuple),
)
measured = st.builds(
    Measured,
    runtime=st.builds(RuntimeInfo, runtime=st.sampled_from(Runtime), version=texts, build=texts),
    repetition=repetitions,
    affinity=st.lists(small, max_size=3).map(tuple),
)
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
    failure=failures(texts),
)


LARGE_PHONE = DeviceState(
    taken_at_unix_ms=1_764_000_000_000,
    clocks=tuple(
        CpuClock(cpu=cpu, governor="schedutil", frequency_khz=2_000_000) for cpu in range(10)
    ),
    temperatures=tuple(
        Temperature(zone=f"thermal_zone{at}:cpu-{at}-usr-step", celsius=50.0) for at in range(90)
    ),
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
        during=(LARGE_PHONE,) * MAX_STATES,
    )
    report = Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=1,
        ended_at_unix_ms=2,
        measured=Measured(
            runtime=RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"),
            repetition=repetition,
        ),
    )
    received_bytes = 64 * 1024**2
    assert len(encode_report(report)) < received_bytes / 40


@given(st.binary() | st.integers(0, 1 << 21).map(bytes))
def test_a_chunk_is_on_the_wire_what_the_contract_says(chunk: bytes) -> None:
    message = fleet_pb2.FetchArtifactResponse(chunk=chunk).SerializeToString()
    assert encoded_chunk(memoryview(chunk)) == message
    assert chunk_of(message) == chunk


@given(
    st.lists(
        st.binary(max_size=200)
        | st.binary(max_size=200).map(
            lambda chunk: fleet_pb2.FetchArtifactResponse(chunk=chunk).SerializeToString()
        )
    ).map(b"".join)
)
def test_a_chunk_that_comes_otherwise_is_read_as_protobuf_reads_it(message: bytes) -> None:
    try:
        meant = fleet_pb2.FetchArtifactResponse.FromString(message).chunk
    except DecodeError:
        with pytest.raises(DecodeError):
            chunk_of(message)
    else:
        assert chunk_of(message) == meant


class Call:
    """A stream on which a controller has said something, and hears what is said."""

    def __init__(self, *said: fleet_pb2.ConnectResponse) -> None:
        self._said = [*said, grpc.aio.EOF]
        self.heard: list[fleet_pb2.ConnectRequest] = []

    async def read(self) -> Any:
        return self._said.pop(0)

    async def write(self, request: fleet_pb2.ConnectRequest) -> None:
        self.heard.append(request)


def welcoming(*features: str) -> fleet_pb2.ConnectResponse:
    return fleet_pb2.ConnectResponse(welcome=fleet_pb2.Welcome(features=features))


def told_by(*said: FromAgent | bytes, features: tuple[str, ...]) -> list[tuple[str | None, bool]]:
    """What a controller with these features is told: kinds, and whether the agent is free."""

    async def tell() -> Call:
        call: Any = Call(welcoming(*features))
        stream = AgentStream(call, lambda: 0)
        await stream.receive()
        await stream.send_each(said)
        heard: Call = call
        return heard

    return [(each.WhichOneof("message"), each.is_free) for each in asyncio.run(tell()).heard]


def test_that_an_agent_is_free_is_said_beside_its_report_where_that_is_heard() -> None:
    report = encode_report(
        Report(attempt_id="a", job_id="j", started_at_unix_ms=0, ended_at_unix_ms=0)
    )
    said = (report, Ready(), Heartbeat(), report)
    beside = told_by(*said, features=CONTROLLER_FEATURES)
    assert beside == [("report", True), ("heartbeat", False), ("report", False)]
    apart = told_by(*said, features=())
    assert [kind for kind, _ in apart] == ["report", "ready", "heartbeat", "report"]
    assert not any(is_free for _, is_free in apart)


async def test_a_lease_that_comes_beside_something_is_heard_after_it() -> None:
    lease = fleet_pb2.Lease(attempt_id="next", job_id="j", settings=types_pb2.MeasureSettings())
    committed = fleet_pb2.ReportCommitted(attempt_id="a")
    beside = fleet_pb2.ConnectResponse(report_committed=committed, lease_besides=lease)
    call: Any = Call(beside)
    stream = AgentStream(call, lambda: 0)
    assert await stream.receive() == ReportCommitted(attempt_id="a")
    assert getattr(await stream.receive(), "attempt_id", None) == "next"
    assert await stream.receive() is None
