"""Sums of a profile: by operator, and as shares of all layers.

Everything is of medians, since one inference that was interrupted can take longer than all others
together. The profiler takes long to write down what it sees, between layers and not in them: the
layers are compared with an inference that it did not watch.
"""

from collections import defaultdict
from dataclasses import dataclass

from controller.domain.profiles import OperatorProfile
from protos.measuring import LayerTime, OperatorTimes

NS_PER_MS = 1e6


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """All layers of one operator.

    Attributes:
        operator: what they compute.
        layer_count: how many layers it has.
        calls_per_run: how often they run in one inference.
        ms_per_run: sum of the layers' medians of one inference, ms.
        share_percent: of all layers, 0 to 100, percent.
    """

    operator: str
    layer_count: int
    calls_per_run: float
    ms_per_run: float
    share_percent: float


@dataclass(frozen=True, kw_only=True)
class ProfileSummary:
    """Where the time of an inference goes, operator by operator.

    Times are medians over the profiled inferences, in whole microseconds as the runtime's profiler
    tells them; what a node contains does not count for it.

    Attributes:
        profile: what was profiled, and each layer.
        layers_ms: sum of all layers' medians, ms.
        explained_percent: that, as a share of the median inference with the profiler off, percent;
            less than 100 is time between layers, more is what being watched costs them.
        operators: the one that takes the most time first.
        trace_path: file that the trace was written to, which Perfetto opens; None without
            `--trace`.
    """

    profile: OperatorProfile
    layers_ms: float
    explained_percent: float
    operators: tuple[OperatorTime, ...]
    trace_path: str | None


def summarise(profile: OperatorProfile, trace_path: str | None) -> ProfileSummary:
    """A profile with its sums, the operator that takes the most time first."""
    times = profile.times
    return ProfileSummary(
        profile=profile,
        layers_ms=layers_ns(times) / NS_PER_MS,
        explained_percent=percent(layers_ns(times), times.unprofiled_run_median_ns),
        operators=by_operator(times),
        trace_path=trace_path,
    )


def by_operator(times: OperatorTimes) -> tuple[OperatorTime, ...]:
    """The layers summed by operator, the one that takes the most time first."""
    whole_ns = layers_ns(times)
    groups: defaultdict[str, list[LayerTime]] = defaultdict(list)
    for layer in times.layers:
        groups[layer.operator].append(layer)
    sums = (
        OperatorTime(
            operator=operator,
            layer_count=len(layers),
            calls_per_run=sum(layer.call_count for layer in layers) / times.run_count,
            ms_per_run=sum(layer.median_ns for layer in layers) / NS_PER_MS,
            share_percent=percent(sum(layer.median_ns for layer in layers), whole_ns),
        )
        for operator, layers in groups.items()
    )
    return tuple(sorted(sums, key=lambda each: (-each.ms_per_run, each.operator)))


def slowest_layers(times: OperatorTimes) -> tuple[LayerTime, ...]:
    """The layers, the one that takes the most time first."""
    return tuple(sorted(times.layers, key=lambda layer: -layer.median_ns))


def layers_ns(times: OperatorTimes) -> int:
    """The sum of all layers' medians, which shares are of."""
    return sum(layer.median_ns for layer in times.layers)


def percent(part_ns: int, whole_ns: int) -> float:
    """A part of a whole; 0 where all that there is took less than the profiler's microsecond."""
    return 100 * part_ns / whole_ns if whole_ns else 0.0
