"""Why a candidate did not win, as reasons with their figures."""

from controller.domain.rankings import Merit
from controller.ranking.entries import Entry
from protos.reasons import Reason, ReasonCode, reason


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
