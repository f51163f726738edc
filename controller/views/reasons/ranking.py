"""Why a candidate did not win, and why a measurement is not ranked."""

from collections.abc import Mapping
from typing import Final

from controller.domain.quantities import format_latency, format_memory, format_number
from controller.views.reasons.writing import Writers
from protos.reasons import ReasonCode

_Figures = Mapping[str, float]
_Words = Mapping[str, str]


def _dominated(figures: _Figures, words: _Words) -> str:
    return _beaten(figures, words, "more accurate and faster")


def _dominated_at_tied_latency(figures: _Figures, words: _Words) -> str:
    return f"{_beaten(figures, words, 'more accurate')} (latency is a tie)"


def _beaten(figures: _Figures, words: _Words, better: str) -> str:
    by = words["other"]
    ours, theirs = format_latency(figures["median_ms"]), format_latency(figures["other_median_ms"])
    if figures["top1_percent"] == figures["other_top1_percent"]:
        return f"{by} has the same top-1 in {theirs} instead of {ours}"
    return (
        f"{by} is {better}: {_percent(figures['other_top1_percent'])} in {theirs} "
        f"against {_percent(figures['top1_percent'])} in {ours}"
    )


def _off_the_winner(figures: _Figures, _words: _Words) -> str:
    ratio = figures["other_median_ms"] / figures["median_ms"]
    if ratio > 1:
        return f"{_accuracy_off(figures)}, {_times(ratio)} as fast"
    return f"{_accuracy_off(figures)}, {_times(1 / ratio)} its latency"


def _accuracy_off(figures: _Figures) -> str:
    points = figures["top1_percent"] - figures["other_top1_percent"]
    text = f"{_percent(figures['top1_percent'])} top-1"
    if points:
        text += f", {_points(abs(points))} {'above' if points > 0 else 'below'} the winner"
    return text


def _overlap(figures: _Figures) -> str:
    winner = _interval(figures["winner_low_ms"], figures["winner_high_ms"])
    return f"its interval {_own_interval(figures)} overlaps the winner's {winner}"


def _own_interval(figures: _Figures) -> str:
    return _interval(figures["low_ms"], figures["high_ms"])


def _interval(low_ms: float, high_ms: float) -> str:
    return f"{format_number(low_ms)}..{format_latency(high_ms)}"


def _memory_pair(figures: _Figures, between: str) -> str:
    own = format_memory(round(figures["peak_rss_bytes"]))
    return f"{own} {between} {format_memory(round(figures['other_peak_rss_bytes']))}"


def _percent(figure: float) -> str:
    return f"{figure:g} %"


def _points(difference: float) -> str:
    # Published figures have two decimals; one is enough unless it would say 0.
    digits = 1 if difference >= 0.05 else 2
    return f"{difference:.{digits}f} points"


def _times(ratio: float) -> str:
    digits = 1 if ratio >= 1.05 else 2
    return f"{ratio:.{digits}f}x"


def _known_for(_figures: _Figures, words: _Words) -> str:
    return (
        f"accuracy is known for {words['known_size']} px, it is not known for "
        f"{words['measured_size']} px"
    )


SENTENCES: Final[Writers] = {
    ReasonCode.LATENCY_OVER_LIMIT: lambda figures, _: (
        f"its interval {_own_interval(figures)} is over the limit of {figures['limit_ms']:,g} ms"
    ),
    ReasonCode.LATENCY_CROSSES_LIMIT: lambda figures, _: (
        f"its interval {_own_interval(figures)} crosses the limit of {figures['limit_ms']:,g} ms"
    ),
    ReasonCode.MEMORY_UNKNOWN: lambda *_: "its memory was not measured",
    ReasonCode.MEMORY_OVER_LIMIT: lambda figures, _: (
        f"its memory of {format_memory(round(figures['peak_rss_bytes']))} is over the limit of "
        f"{format_memory(round(figures['limit_bytes']))}"
    ),
    ReasonCode.TOP1_UNDER_LIMIT: lambda figures, _: (
        f"its top-1 of {_percent(figures['top1_percent'])} is under "
        f"{_percent(figures['limit_percent'])}"
    ),
    ReasonCode.NOT_IN_CATALOG: lambda _, words: (
        f"not of the {words['tier']} tier: the catalog does not have it"
    ),
    ReasonCode.OUTSIDE_TIER: lambda _, words: f"not of the {words['tier']} tier: {words['detail']}",
    ReasonCode.SURPASSED_IN_SERIES: lambda _, words: (
        f"not of the {words['tier']} tier: a more accurate backbone of its series is"
    ),
    ReasonCode.DOMINATED: _dominated,
    ReasonCode.DOMINATED_AT_TIED_LATENCY: _dominated_at_tied_latency,
    ReasonCode.OFF_THE_WINNER: _off_the_winner,
    ReasonCode.OFF_THE_WINNER_AT_TIED_LATENCY: lambda figures, _: (
        f"{_accuracy_off(figures)} (latency is a tie)"
    ),
    ReasonCode.TIED_BY_LATENCY: lambda figures, _: (
        f"cannot be told apart from the winner by latency: {_overlap(figures)}"
    ),
    ReasonCode.TIED_BY_ALL: lambda figures, _: (
        f"cannot be told apart from the winner: the same top-1, and {_overlap(figures)}"
    ),
    ReasonCode.TIED_BY_VALUE: lambda figures, _: (
        "cannot be told apart from the winner by value: with its latency at the lower end of "
        f"{_own_interval(figures)}, and the winner's at the upper end of "
        f"{_interval(figures['winner_low_ms'], figures['winner_high_ms'])}, it is "
        "at least as good"
    ),
    ReasonCode.TIED_BY_MEMORY: lambda figures, _: (
        "cannot be told apart from the winner by memory: processes differ by more than "
        f"{_memory_pair(figures, 'and')} do"
    ),
    ReasonCode.SLOWER_THAN_WINNER: lambda figures, _: (
        f"slower than the winner: {format_latency(figures['median_ms'])} instead of "
        f"{format_latency(figures['other_median_ms'])}"
    ),
    ReasonCode.MORE_MEMORY_THAN_WINNER: lambda figures, _: (
        f"it needs {_memory_pair(figures, 'of memory, the winner')}"
    ),
    ReasonCode.OLDER_COUNTS: lambda *_: "an older measurement counts instead",
    ReasonCode.ACCURACY_UNKNOWN: lambda _, words: (
        f"its accuracy on {words['dataset']} is not known; 'edgerank accuracy import' takes it in"
    ),
    ReasonCode.ACCURACY_UNKNOWN_IN_PRECISION: lambda _, words: (
        f"its accuracy on {words['dataset']} is not known for {words['precision']}"
    ),
    ReasonCode.ACCURACY_UNPUBLISHED: lambda *_: "no accuracy is published for it",
    ReasonCode.ACCURACY_OF_OTHER_SIZE: _known_for,
    ReasonCode.DEVICE_EMULATED: lambda _, words: (
        f"its device is emulated ({words['emulator']}), so that another CPU computed; "
        "--include-emulated lets it count"
    ),
    ReasonCode.NOT_PACED: lambda figures, _: (
        f"it was not measured on a clock of {figures['fps']:g} frames a second: "
        f"'edgerank sweep --paced {figures['fps']:g}fps' would do that"
    ),
    ReasonCode.NOT_SUSTAINED: lambda figures, _: (
        "it was not measured minute by minute: "
        f"'edgerank sweep --sustained {figures['minute']:.0f}m' would do that"
    ),
    ReasonCode.PAST_LAST_MINUTE: lambda figures, _: (
        f"it was measured for {figures['minutes']:.0f} min, so there is no minute "
        f"{figures['minute']:.0f}"
    ),
    ReasonCode.MINUTE_EMPTY: lambda figures, _: (
        f"no inference began in minute {figures['minute']:.0f}"
    ),
}
