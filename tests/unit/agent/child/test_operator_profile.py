"""Times of layers are read from a trace as ONNX Runtime writes it, and from nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.child.operator_profile import TraceUnreadable, read_operator_times
from protos.measuring import LayerTime

# Five inferences of a network with an "If", recorded with ONNX Runtime 1.23.2: the second was
# interrupted for 9 ms, the fourth took the branch that the others did not.
RECORDED = (Path(__file__).parent / "onnxruntime_1.23.2.trace.json").read_bytes()


def run(begin_us: int, duration_us: int) -> dict[str, Any]:
    event = {"cat": "Session", "ph": "X", "name": "model_run", "args": {}}
    return event | {"pid": 1, "tid": 1, "ts": begin_us, "dur": duration_us}


def node(
    begin_us: int, duration_us: int, name: str = "first", index: int = 0, **told: Any
) -> dict[str, Any]:
    args = {"op_name": "Conv", "provider": "CPU", "node_index": str(index), **told}
    event = {"cat": "Node", "ph": "X", "name": f"{name}_kernel_time", "args": args}
    return event | {"pid": 1, "tid": 1, "ts": begin_us, "dur": duration_us}


def layers(events: list[dict[str, Any]], run_count: int = 1) -> tuple[LayerTime, ...]:
    return read_operator_times(json.dumps(events).encode(), run_count, (1,)).layers


def test_a_recorded_trace() -> None:
    times = read_operator_times(RECORDED, 3, (30_000, 10_000, 20_000))
    assert (times.run_count, times.total_ns) == (3, 59_000)
    assert (times.run_median_ns, times.unprofiled_run_median_ns) == (19_000, 20_000)
    by_name = {layer.name: layer for layer in times.layers}
    assert list(by_name) == ["matrix", "sum", "positive", "either", "Relu_0", "Exp_1", "Neg_0"]
    assert by_name["matrix"] == LayerTime(
        name="matrix",
        operator="MatMul",
        execution_provider="CPUExecutionProvider",
        output_shapes=("1x256",),
        call_count=3,
        total_ns=6_000,
        median_ns=2_000,
    )
    # A scalar has no sizes.
    assert by_name["sum"].output_shapes == ("",)


def test_what_runs_inside_a_node_is_not_counted_twice() -> None:
    times = read_operator_times(RECORDED, 3, (1,))
    by_name = {layer.name: layer for layer in times.layers}
    # 7, 9 and 7 us less the branches' 2, 2 and 2.
    assert (by_name["either"].total_ns, by_name["either"].median_ns) == (17_000, 5_000)
    # The branch that was taken once costs most inferences nothing.
    assert (by_name["Neg_0"].call_count, by_name["Neg_0"].total_ns) == (1, 2_000)
    assert by_name["Neg_0"].median_ns == 0


def test_the_warm_up_does_not_count() -> None:
    events = [node(1, 50), run(0, 60), node(101, 5), run(100, 9), node(201, 7), run(200, 9)]
    (layer,) = layers(events, run_count=2)
    assert (layer.call_count, layer.total_ns, layer.median_ns) == (2, 12_000, 6_000)


def test_nodes_of_one_name_are_told_apart_by_their_numbers() -> None:
    events = [node(1, 2), node(4, 3, index=1), run(0, 9)]
    assert [layer.total_ns for layer in layers(events)] == [2_000, 3_000]


def test_a_node_that_runs_again_in_one_inference_is_summed() -> None:
    events = [node(1, 2), node(4, 3), run(0, 9)]
    (layer,) = layers(events)
    assert (layer.call_count, layer.median_ns) == (2, 5_000)


durations = st.lists(st.integers(0, 50), min_size=1, max_size=5)


@given(st.lists(durations, min_size=1, max_size=8), st.integers(1, 8))
def test_no_time_is_lost_or_invented(inferences: list[list[int]], last: int) -> None:
    """Nodes one after the other, with a gap between, in inferences one after the other."""
    events, now_us = [], 0
    for nodes in inferences:
        begin_us = now_us
        for index, duration_us in enumerate(nodes):
            events.append(node(now_us + 1, duration_us, index=index))
            now_us += duration_us + 2
        events.append(run(begin_us, now_us - begin_us))
        now_us += 3
    counted = inferences[-last:]
    times = read_operator_times(json.dumps(events).encode(), len(counted), (1,))
    assert sum(layer.total_ns for layer in times.layers) == 1_000 * sum(map(sum, counted))
    assert sum(layer.call_count for layer in times.layers) == sum(map(len, counted))
    assert all(layer.median_ns <= layer.total_ns <= times.total_ns for layer in times.layers)


@pytest.mark.parametrize(
    "trace",
    [
        b"",
        RECORDED[: len(RECORDED) // 2],
        b"{}",
        b"[]",
        b"[1]",
        b'[{"name": "model_run"}]',
        json.dumps([run(0, 1), node(0, 1) | {"args": {}}]).encode(),
        json.dumps([run(0, 1), node(0, 1, output_type_shape=[1])]).encode(),
        json.dumps([run(0, 1), node(0, 1, output_type_shape=[{"float": ["N"]}])]).encode(),
        json.dumps([run(0, 1), node(0, -1)]).encode(),
        json.dumps([run(0, 1), node(0, 1) | {"dur": None}]).encode(),
        b'[{"name": "model_run", "ts": 0, "dur": NaN}]',
        b"[" * 100_000,
    ],
    ids=range(13),
)
def test_another_trace_is_refused(trace: bytes) -> None:
    with pytest.raises(TraceUnreadable):
        read_operator_times(trace, 1, (1,))


def test_fewer_inferences_than_asked_for_are_refused() -> None:
    with pytest.raises(TraceUnreadable, match=r"\b5 .* 6\b"):
        read_operator_times(RECORDED, 6, (1,))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "cat", "ts", "dur", "args"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | json_values.map(lambda each: json.dumps([each]).encode()))
def test_rubbish_is_refused_and_nothing_else_happens(trace: bytes) -> None:
    with pytest.raises(TraceUnreadable):
        read_operator_times(trace, 1, (1,))
