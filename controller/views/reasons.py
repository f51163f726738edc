"""Why a candidate did not win, in one sentence with figures."""

from collections.abc import Iterable

from controller.domain.quantities import format_latency, format_memory, format_number
from controller.domain.rankings import Constraints
from controller.ranking.entries import Entry
from controller.views.wording import candidate_name


def breach(entry: Entry, constraints: Constraints) -> str:
    """Say which constraints a candidate does not satisfy; empty when it satisfies all.

    A latency limit is kept only when the whole interval is within it.
    """
    return "; ".join(filter(None, _breaches(entry, constraints)))


def dominated(entry: Entry, dominator: Entry) -> str:
    """Say by whom a candidate is beaten, in figures."""
    ties = entry.latency_ties_with(dominator)
    by = candidate_name(dominator.measurement)
    ours, theirs = format_latency(entry.median_ms), format_latency(dominator.median_ms)
    if dominator.top1 == entry.top1:
        text = f"{by} has the same top-1 in {theirs} instead of {ours}"
    else:
        better = "more accurate" if ties else "more accurate and faster"
        text = (
            f"{by} is {better}: {_percent(dominator.top1)} in {theirs} "
            f"against {_percent(entry.top1)} in {ours}"
        )
    return f"{text} (latency is a tie)" if ties else text


def off_the_winner(entry: Entry, winner: Entry) -> str:
    """Say what a candidate on the Pareto front gives up, and gains, against the winner."""
    points = entry.top1 - winner.top1
    text = f"{_percent(entry.top1)} top-1"
    if points:
        text += f", {_points(abs(points))} {'above' if points > 0 else 'below'} the winner"
    if entry.latency_ties_with(winner):
        return f"{text} (latency is a tie)"
    if entry.median_ms < winner.median_ms:
        return f"{text}, {_times(winner.median_ms / entry.median_ms)} as fast"
    return f"{text}, {_times(entry.median_ms / winner.median_ms)} its latency"


def tied(entry: Entry, winner: Entry) -> str:
    """Say why a candidate cannot be told apart from the winner."""
    overlap = f"its interval {_interval(entry)} overlaps the winner's {_interval(winner)}"
    if entry.top1 == winner.top1:
        return f"cannot be told apart from the winner: the same top-1, and {overlap}"
    return f"cannot be told apart from the winner by latency: {overlap}"


def _breaches(entry: Entry, constraints: Constraints) -> Iterable[str]:
    if constraints.max_latency_ms is not None:
        yield _latency_breach(entry, constraints.max_latency_ms)
    if constraints.max_memory_bytes is not None:
        yield _memory_breach(entry, constraints.max_memory_bytes)
    if constraints.min_top1 is not None and entry.top1 < constraints.min_top1:
        yield f"its top-1 of {_percent(entry.top1)} is under {_percent(constraints.min_top1)}"


def _latency_breach(entry: Entry, limit_ms: float) -> str:
    if entry.latency.high_ms <= limit_ms:
        return ""
    limit = f"the limit of {limit_ms:,g} ms"
    if entry.latency.low_ms <= limit_ms:
        return f"its interval {_interval(entry)} crosses {limit}"
    return f"its interval {_interval(entry)} is over {limit}"


def _memory_breach(entry: Entry, limit_bytes: int) -> str:
    memory = entry.measurement.memory
    if memory is None:
        return "its memory was not measured"
    if memory.peak_rss_bytes <= limit_bytes:
        return ""
    needed = format_memory(memory.peak_rss_bytes)
    return f"its memory of {needed} is over the limit of {format_memory(limit_bytes)}"


def _interval(entry: Entry) -> str:
    low, high = entry.latency.low_ms, entry.latency.high_ms
    return f"{format_number(low)}..{format_latency(high)}"


def _percent(figure: float) -> str:
    return f"{figure:g} %"


def _points(difference: float) -> str:
    # Published figures have two decimals; one is enough unless it would say 0.
    digits = 1 if difference >= 0.05 else 2
    return f"{difference:.{digits}f} points"


def _times(ratio: float) -> str:
    digits = 1 if ratio >= 1.05 else 2
    return f"{ratio:.{digits}f}x"
