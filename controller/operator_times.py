"""Sums of a profile: by operator, and as shares of the whole."""

from collections import defaultdict
from dataclasses import dataclass

from controller.domain import LayerTime, OperatorProfile, OperatorTimes

NS_PER_MS = 1e6


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """All layers of one operator.

    Attributes:
        calls_per_run: of one inference.
        ms_per_run: of one inference; the sum of its layers' medians.
        share_percent: of the wall time of all profiled inferences, 0 to 100.
    """

    operator: str
    layer_count: int
    calls_per_run: float
    ms_per_run: float
    share_percent: float


@dataclass(frozen=True, kw_only=True)
class ProfileSummary:
    """A profile with its sums; `trace_path` is the file that Perfetto opens.

    Attributes:
        explained_percent: how much of the wall time the layers are; the rest passes between them.
    """

    profile: OperatorProfile
    explained_percent: float
    operators: tuple[OperatorTime, ...]
    trace_path: str


def summarise(profile: OperatorProfile, trace_path: str) -> ProfileSummary:
    """A profile with its sums, the operator that takes the most time first."""
    times = profile.times
    return ProfileSummary(
        profile=profile,
        explained_percent=sum(share_percent(layer, times) for layer in times.layers),
        operators=by_operator(times),
        trace_path=trace_path,
    )


def by_operator(times: OperatorTimes) -> tuple[OperatorTime, ...]:
    """The layers summed by operator, the one that takes the most time first."""
    groups: defaultdict[str, list[LayerTime]] = defaultdict(list)
    for layer in times.layers:
        groups[layer.operator].append(layer)
    sums = (
        OperatorTime(
            operator=operator,
            layer_count=len(layers),
            calls_per_run=sum(layer.call_count for layer in layers) / times.run_count,
            ms_per_run=sum(layer.median_ns for layer in layers) / NS_PER_MS,
            share_percent=sum(share_percent(layer, times) for layer in layers),
        )
        for operator, layers in groups.items()
    )
    return tuple(sorted(sums, key=lambda each: (-each.share_percent, each.operator)))


def slowest_layers(times: OperatorTimes) -> tuple[LayerTime, ...]:
    """The layers, the one that takes the most time first."""
    return tuple(sorted(times.layers, key=lambda layer: -layer.total_ns))


def share_percent(layer: LayerTime, times: OperatorTimes) -> float:
    """How much of the wall time a layer is, 0 to 100."""
    return 100 * layer.total_ns / times.total_ns
