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
        share_percent: of an inference, 0 to 100; see `whole_ns`.
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
        explained_percent: how much of an inference the layers are; the rest passes between them.
    """

    profile: OperatorProfile
    explained_percent: float
    operators: tuple[OperatorTime, ...]
    trace_path: str


def summarise(profile: OperatorProfile, trace_path: str) -> ProfileSummary:
    """A profile with its sums, the operator that takes the most time first."""
    operators = by_operator(profile.times)
    return ProfileSummary(
        profile=profile,
        explained_percent=sum(each.share_percent for each in operators),
        operators=operators,
        trace_path=trace_path,
    )


def by_operator(times: OperatorTimes) -> tuple[OperatorTime, ...]:
    """The layers summed by operator, the one that takes the most time first."""
    whole = whole_ns(times)
    groups: defaultdict[str, list[LayerTime]] = defaultdict(list)
    for layer in times.layers:
        groups[layer.operator].append(layer)
    sums = (
        OperatorTime(
            operator=operator,
            layer_count=len(layers),
            calls_per_run=sum(layer.call_count for layer in layers) / times.run_count,
            ms_per_run=sum(layer.median_ns for layer in layers) / NS_PER_MS,
            share_percent=100 * sum(layer.median_ns for layer in layers) / whole,
        )
        for operator, layers in groups.items()
    )
    return tuple(sorted(sums, key=lambda each: (-each.share_percent, each.operator)))


def slowest_layers(times: OperatorTimes) -> tuple[LayerTime, ...]:
    """The layers, the one that takes the most time first."""
    return tuple(sorted(times.layers, key=lambda layer: -layer.median_ns))


def whole_ns(times: OperatorTimes) -> int:
    """What shares are of: the median inference, or its layers together where they are longer.

    Medians, since one inference that was interrupted can take longer than all others together.
    """
    return max(times.run_median_ns, sum(layer.median_ns for layer in times.layers))
