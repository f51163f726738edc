"""Why a candidate did not win, as reasons with their figures."""

from collections.abc import Iterator

from controller.domain.rankings import Constraints, Merit
from controller.ranking.entries import Entry
from protos.reasons import Reason, ReasonCode, reason


def breaches(entry: Entry, constraints: Constraints) -> tuple[Reason, ...]:
    """Tell which constraints a candidate does not satisfy; empty when it satisfies all.

    A latency limit is kept only when the whole interval is within it.
    """
    return tuple(_breaches(entry, constraints))


def behind(entry: Entry, winner: Entry, merit: Merit, dominator: Entry | None) -> Reason:
    """Tell why a candidate within the constraints is not the winner, unless it ties with it.

    Args:
        entry: the candidate.
        winner: who is ahead.
        merit: by what the winner is chosen.
        dominator: who beats the candidate in both top-1 and latency; None where nobody does.
    """
    if merit is Merit.MEMORY:
        return _more_memory(entry, winner)
    other = winner if dominator is None else dominator
    figures = _beside(entry, other)
    if figures is None:
        return reason(
            ReasonCode.SLOWER_THAN_WINNER,
            median_ms=entry.median_ms,
            other_median_ms=winner.median_ms,
        )
    ties = entry.latency_ties_with(other)
    if dominator is None:
        off = ReasonCode.OFF_THE_WINNER_AT_TIED_LATENCY if ties else ReasonCode.OFF_THE_WINNER
        return reason(off, **figures)
    beaten = ReasonCode.DOMINATED_AT_TIED_LATENCY if ties else ReasonCode.DOMINATED
    return reason(beaten, {"other": dominator.id}, **figures)


def tied(entry: Entry, winner: Entry, merit: Merit) -> Reason:
    """Tell why a candidate cannot be told apart from the winner."""
    if merit is Merit.MEMORY:
        return _memory_beside(ReasonCode.TIED_BY_MEMORY, entry, winner)
    code = ReasonCode.TIED_BY_VALUE if merit is Merit.VALUE else ReasonCode.TIED_BY_LATENCY
    if entry.top1 is not None and entry.top1 == winner.top1 and entry.latency_ties_with(winner):
        code = ReasonCode.TIED_BY_ALL
    return reason(
        code,
        low_ms=entry.latency.low_ms,
        high_ms=entry.latency.high_ms,
        winner_low_ms=winner.latency.low_ms,
        winner_high_ms=winner.latency.high_ms,
    )


def _beside(entry: Entry, other: Entry) -> dict[str, float] | None:
    if entry.top1 is None or other.top1 is None:
        return None
    return {
        "top1_percent": entry.top1,
        "other_top1_percent": other.top1,
        "median_ms": entry.median_ms,
        "other_median_ms": other.median_ms,
    }


def _more_memory(entry: Entry, winner: Entry) -> Reason:
    if entry.measurement.memory is None:
        return reason(ReasonCode.MEMORY_UNKNOWN)
    return _memory_beside(ReasonCode.MORE_MEMORY_THAN_WINNER, entry, winner)


def _memory_beside(code: ReasonCode, entry: Entry, winner: Entry) -> Reason:
    own, other = entry.measurement.memory, winner.measurement.memory
    # Neither is behind or tied by memory without having some.
    assert own is not None
    assert other is not None
    return reason(
        code, peak_rss_bytes=own.peak_rss_bytes, other_peak_rss_bytes=other.peak_rss_bytes
    )


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
    # Where an accuracy is asked for, only what has one is ranked.
    top1 = entry.top1
    if constraints.min_top1 is not None and top1 is not None and top1 < constraints.min_top1:
        yield reason(
            ReasonCode.TOP1_UNDER_LIMIT,
            top1_percent=top1,
            limit_percent=constraints.min_top1,
        )
