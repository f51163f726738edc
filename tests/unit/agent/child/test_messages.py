"""What agent and child write, the other one reads; anything else is told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.child.messages import (
    Baseline,
    ChildRequest,
    Line,
    Phase,
    Profiling,
    ProtocolBroken,
    RunsProfiled,
    Sampled,
    Sampling,
    decode_line,
    decode_request,
    encode_line,
    encode_request,
)
from protos.device import Battery, CpuClock, DeviceState, PowerReading, Temperature, ThrottleCounter
from protos.measuring import LayerTime, OperatorTimes, OutputCheck, ProcessMemory, StopReason
from protos.runtimes import Runtime
from tests.unit.protos.drawing import failures, network_inputs

counts = st.integers(0, 2**63 - 1)
states = st.builds(
    DeviceState,
    taken_at_unix_ms=counts,
    clocks=st.lists(st.builds(CpuClock, cpu=counts), max_size=2).map(tuple),
    temperatures=st.lists(
        st.builds(Temperature, zone=st.text(), celsius=st.floats(-40, 150)), max_size=2
    ).map(tuple),
    load_average=st.none() | st.floats(0, 100),
    throttle_counters=st.lists(
        st.builds(ThrottleCounter, name=st.text(), count=counts), max_size=2
    ).map(tuple),
    active_limits=st.lists(st.text(), max_size=2).map(tuple),
    battery=st.none() | st.builds(Battery, charge_percent=st.none() | st.integers(0, 100)),
    power=st.lists(
        st.builds(PowerReading, source=st.text(), watts=st.none() | st.floats(0, 100)), max_size=2
    ).map(tuple),
    measured_cpus=st.lists(counts, max_size=2).map(tuple),
)
sampled = st.builds(
    Sampled,
    build=st.text(),
    latency_ns=st.lists(counts).map(tuple),
    warmup_ns=st.lists(counts).map(tuple),
    warmup_settled=st.booleans(),
    load_ns=counts,
    peak_rss_bytes=counts,
    pss_bytes=st.none() | counts,
    memory=st.builds(ProcessMemory, steady_peak_rss_bytes=st.none() | counts),
    busy_threads=counts,
    stop_reason=st.sampled_from(StopReason),
    before=states,
    after=states,
    affinity=st.lists(counts).map(tuple),
    samples_per_window=st.lists(counts).map(tuple),
    output_check=st.none()
    | st.builds(
        OutputCheck,
        input_count=counts,
        max_relative_difference=st.none() | st.floats(0, 9),
        l2_relative_difference=st.none() | st.floats(0, 9),
        top1_agreement=st.none() | st.floats(0, 1),
        nonfinite_share=st.floats(0, 1),
        is_constant=st.booleans(),
        is_other_shape=st.booleans(),
    ),
)
baselines = st.builds(Baseline, peak_rss_bytes=counts)
requests = st.builds(
    ChildRequest,
    parent_pid=counts,
    memory_limit_bytes=counts,
    runtime=st.sampled_from(Runtime),
    takes=network_inputs,
    input_seed=counts,
    sampling=st.none()
    | st.builds(
        Sampling,
        artifact_path=st.text(),
        threads=counts,
        relative_half_width=st.floats(0, 1),
        time_budget_ms=counts,
        windows=counts,
        window_ms=counts,
        reference_path=st.none() | st.text(),
    ),
    profiling=st.none()
    | st.builds(
        Profiling, artifact_path=st.text(), threads=counts, run_count=counts, folder=st.text()
    ),
)
layers = st.builds(
    LayerTime,
    name=st.text(),
    operator=st.text(),
    execution_provider=st.text(),
    call_count=counts,
    total_ns=counts,
    median_ns=counts,
    output_shapes=st.lists(st.text(), max_size=2).map(tuple),
)
profiled = st.builds(
    RunsProfiled,
    build=st.text(),
    times=st.builds(
        OperatorTimes,
        run_count=counts,
        total_ns=counts,
        run_median_ns=counts,
        unprofiled_run_median_ns=counts,
        layers=st.lists(layers, max_size=2).map(tuple),
    ),
    affinity=st.lists(counts).map(tuple),
)


@given(sampled | failures(st.text()) | baselines | profiled | st.sampled_from(Phase))
def test_a_line_arrives_as_it_was_said(line: Line) -> None:
    encoded = encode_line(line)
    assert encoded.count(b"\n") == 1
    assert decode_line(encoded) == line


@given(requests)
def test_a_request_arrives_as_it_was_made(request: ChildRequest) -> None:
    assert decode_request(encode_request(request)) == request


@given(st.binary())
def test_rubbish_is_told_apart(rubbish: bytes) -> None:
    with pytest.raises(ProtocolBroken):
        decode_line(rubbish)


@pytest.mark.parametrize(
    "line",
    [
        b"baseline 7\n",
        b"baseline {}\n",
        b'baseline {"peak_rss_bytes": "many"}\n',
        b'phase "resting"\n',
        b"sampled {\n",
        b"refused []\n",
        b'refused {"reasons": []}\n',
        b'refused {"reasons": [{"code": "tired"}]}\n',
        b'refused {"reasons": [{"code": "crashed", "figures": {"count": "many"}}]}\n',
        b'baseline {"peak_rss_bytes": 7}',
    ],
)
def test_a_line_of_the_wrong_form_is_told_apart(line: bytes) -> None:
    with pytest.raises(ProtocolBroken, match="the child wrote"):
        decode_line(line)
