"""Why a candidate did not win, as reasons with their figures."""

from collections.abc import Iterator

from controller.domain.rankings import Constraints
from controller.ranking.entries import Entry
from protos.reasons import Reason, ReasonCode, reason


def breaches(entry: Entry, constraints: Constraints) -> tuple[Reason, ...]:
    """Tell which constraints a candidate does not satisfy; empty when it satisfies all.

    A latency limit is kept only when the whole interval is within it.
    """
    return tuple(_breaches(entry, constraints))


def dominated(entry: Entry, dominator: Entry) -> Reason:
    """Tell by whom a candidate is beaten."""
    ties = entry.latency_ties_with(dominator)
    code = ReasonCode.DOMINATED_AT_TIED_LATENCY if ties else ReasonCode.DOMINATED
    return reason(code, {"other": dominator.id}, **_beside(entry, dominator))


def off_the_winner(entry: Entry, winner: Entry) -> Reason:
    """Tell what a candidate on the Pareto front gives up, and gains, against the winner."""
    ties = entry.latency_ties_with(winner)
    code = ReasonCode.OFF_THE_WINNER_AT_TIED_LATENCY if ties else ReasonCode.OFF_THE_WINNER
    return reason(code, **_beside(entry, winner))


def tied(entry: Entry, winner: Entry) -> Reason:
    """Tell why a candidate cannot be told apart from the winner."""
    code = ReasonCode.TIED_BY_ALL if entry.top1 == winner.top1 else ReasonCode.TIED_BY_LATENCY
    return reason(
        code,
        low_ms=entry.latency.low_ms,
        high_ms=entry.latency.high_ms,
        winner_low_ms=winner.latency.low_ms,
        winner_high_ms=winner.latency.high_ms,
    )


def _beside(entry: Entry, other: Entry) -> dict[str, float]:
    return {
        "top1_percent": entry.top1,
        "other_top1_percent": other.top1,
        "median_ms": entry.median_ms,
        "other_median_ms": other.median_ms,
    }


def _breaches(entry: Entry, constraints: Constraints) -> Iterator[Reason]:
    low_ms, high_ms = entry.latency.low_ms, entry.latency.high_ms
    limit_ms = constraints.max_latency_ms
    if limit_ms is not None and high_ms > limit_ms:
        crosses = low_ms <= limit_ms
        code = ReasonCode.LATENCY_CROSSES_LIMIT if crosses else ReasonCode.LATENCY_OVER_LIMIT
        yield reason(code, low_ms=low_ms, high_ms=high_ms, limit_ms=limit_ms)
    limit_bytes, memory = constraints.max_memory_bytes, entry.measurement.memory
    if limit_bytes is not None and memory is None:
        yield reason(ReasonCode.MEMORY_UNKNOWN)
    elif limit_bytes is not None and memory is not None and memory.peak_rss_bytes > limit_bytes:
        yield reason(
            ReasonCode.MEMORY_OVER_LIMIT,
            peak_rss_bytes=memory.peak_rss_bytes,
            limit_bytes=limit_bytes,
        )
    if constraints.min_top1 is not None and entry.top1 < constraints.min_top1:
        yield reason(
            ReasonCode.TOP1_UNDER_LIMIT,
            top1_percent=entry.top1,
            limit_percent=constraints.min_top1,
        )
