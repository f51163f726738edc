"""Reads where the time went from the trace that ONNX Runtime's profiler writes.

The trace is Chrome's JSON format: a list of events with a begin and a duration in whole
microseconds. One of category "Session" named "model_run" stands for an inference, each of category
"Node" whose name ends in "_kernel_time" for a node inside it.
"""

import itertools
import json
import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from protos.measuring import LayerTime, OperatorTimes

_NS_PER_US = 1_000
_KERNEL = "_kernel_time"


class TraceUnreadable(ValueError):
    """A trace is not what the profiler is known to write; says where."""


@dataclass(frozen=True)
class _Node:
    """One run of one node."""

    name: str
    operator: str
    execution_provider: str
    index: str
    output_shapes: tuple[str, ...]
    thread: tuple[int, int]
    begin_us: int
    duration_us: int

    @property
    def end_us(self) -> int:
        return self.begin_us + self.duration_us


@dataclass
class _Layer:
    """Every run of one node, an inference after the other."""

    last: _Node
    call_count: int = 0
    us_by_run: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))


def read_operator_times(
    trace: bytes, run_count: int, unprofiled_run_ns: Sequence[int]
) -> OperatorTimes:
    """What each layer took in the last `run_count` inferences of a trace.

    Args:
        trace: as ONNX Runtime wrote it.
        run_count: at least 1; inferences before them are the warm-up's.
        unprofiled_run_ns: times of inferences without the profiler, at least one.

    Raises:
        TraceUnreadable: it is no such trace, is cut off, or has fewer inferences.
    """
    try:
        return _read(json.loads(trace), run_count, unprofiled_run_ns)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceUnreadable(f"the profiler's trace makes no sense: {error}") from error


def _read(events: Any, run_count: int, unprofiled_run_ns: Sequence[int]) -> OperatorTimes:
    runs = sorted(_span(each) for each in events if each["name"] == "model_run")[-run_count:]
    if len(runs) < run_count:
        raise TraceUnreadable(f"it has {len(runs)} inferences of {run_count}")
    nodes = [_node(each) for each in events if _is_kernel(each)]
    durations_us = [duration for _begin, duration in runs]
    return OperatorTimes(
        run_count=run_count,
        total_ns=sum(durations_us) * _NS_PER_US,
        run_median_ns=_median_ns(durations_us),
        unprofiled_run_median_ns=round(statistics.median(unprofiled_run_ns)),
        layers=_layers(nodes, runs),
    )


def _layers(nodes: Iterable[_Node], runs: Sequence[tuple[int, int]]) -> tuple[LayerTime, ...]:
    layers: dict[tuple[str, str, str], _Layer] = {}
    for node, own_us in _own_times(nodes):
        ordinal = _ordinal(node, runs)
        if ordinal is None:
            continue
        # Several nodes may have one name, and nodes of a loop's body the number of others.
        layer = layers.setdefault((node.name, node.operator, node.index), _Layer(node))
        layer.last = node
        layer.call_count += 1
        layer.us_by_run[ordinal] += own_us
    return tuple(
        LayerTime(
            name=layer.last.name,
            operator=layer.last.operator,
            execution_provider=layer.last.execution_provider,
            output_shapes=layer.last.output_shapes,
            call_count=layer.call_count,
            total_ns=sum(layer.us_by_run.values()) * _NS_PER_US,
            # An inference that did not come by this layer spent nothing on it.
            median_ns=_median_ns([layer.us_by_run.get(ordinal, 0) for ordinal in range(len(runs))]),
        )
        for layer in layers.values()
    )


def _own_times(nodes: Iterable[_Node]) -> list[tuple[_Node, int]]:
    """Each run of a node, by begin, with its microseconds less those of the nodes inside it."""
    by_begin = sorted(nodes, key=lambda node: (node.thread, node.begin_us, -node.duration_us))
    own_us = [node.duration_us for node in by_begin]
    around: list[int] = []
    for position, node in enumerate(by_begin):
        while around and not _holds(by_begin[around[-1]], node):
            around.pop()
        if around:
            own_us[around[-1]] = max(0, own_us[around[-1]] - node.duration_us)
        around.append(position)
    return sorted(zip(by_begin, own_us, strict=True), key=lambda pair: pair[0].begin_us)


def _holds(outer: _Node, inner: _Node) -> bool:
    return outer.thread == inner.thread and inner.end_us <= outer.end_us


def _ordinal(node: _Node, runs: Sequence[tuple[int, int]]) -> int | None:
    """Which of the inferences a node ran in; None for one of the warm-up."""
    ordinal = bisect_right(runs, node.begin_us, key=lambda run: run[0]) - 1
    if ordinal < 0 or node.begin_us > sum(runs[ordinal]):
        return None
    return ordinal


def _is_kernel(event: Any) -> bool:
    return event.get("cat") == "Node" and bool(event["name"].endswith(_KERNEL))


def _node(event: Any) -> _Node:
    begin_us, duration_us = _span(event)
    told = event["args"]
    return _Node(
        name=event["name"].removesuffix(_KERNEL),
        operator=str(told["op_name"]),
        execution_provider=str(told.get("provider", "")),
        index=str(told.get("node_index", "")),
        output_shapes=_shapes(told.get("output_type_shape", [])),
        thread=(event["pid"], event["tid"]),
        begin_us=begin_us,
        duration_us=duration_us,
    )


def _shapes(told: Any) -> tuple[str, ...]:
    """`[{"float": [1, 64, 56, 56]}]` as "1x64x56x56" of each; a scalar has an empty one."""
    shapes = itertools.chain.from_iterable(each.values() for each in told)
    return tuple("x".join(str(int(size)) for size in shape) for shape in shapes)


def _span(event: Any) -> tuple[int, int]:
    begin_us, duration_us = event["ts"], event["dur"]
    if not (isinstance(begin_us, int) and isinstance(duration_us, int) and duration_us >= 0):
        raise TraceUnreadable(f"an event lasts {duration_us!a} from {begin_us!a} on")
    return begin_us, duration_us


def _median_ns(durations_us: Sequence[int]) -> int:
    return round(statistics.median(durations_us) * _NS_PER_US)
