"""The Pareto chart of a ranking, as a Vega-Lite specification."""

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from controller.domain import Candidate, Ranking
from controller.wording import candidate_name, candidates, latency_words, memory_words, top1_words

Specification: TypeAlias = dict[str, Any]

_HEIGHT_PX: Final = 420
# Narrower than this, names beside the points would cover each other.
_NAMED_FROM_PX: Final = 480
_RUNTIME_COLOURS: Final = {"onnxruntime": "var(--series-1)", "paddlelite": "var(--series-2)"}
_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_TOP1: Final = "top-1 in %"
_MEDIAN: Final = "median latency in ms, logarithmic"


def chart_specification(ranking: Ranking) -> Specification:
    """Draw every candidate: top-1 against median latency, intervals as bars, the front as a line.

    Colours are custom properties of the page's style sheet, so that the chart follows its light and
    dark mode without being drawn again.
    """
    rows = [_row(candidate, ranking) for candidate in candidates(ranking)]
    latency_domain = _latency_domain(rows)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": _description(ranking, len(rows)),
        "width": "container",
        "height": _HEIGHT_PX,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": rows},
        "encoding": {
            "y": {
                "field": "top1",
                "type": "quantitative",
                "title": _TOP1,
                "scale": {"domain": _top1_domain(rows), "nice": False},
            },
        },
        "layer": [
            *_limits(ranking),
            _front_line(latency_domain),
            _intervals(),
            _points(rows),
            _names("left", "!datum.isRight", 9),
            _names("right", "datum.isRight", -9),
        ],
        "config": _config(),
    }


def _row(candidate: Candidate, ranking: Ranking) -> dict[str, Any]:
    measurement = candidate.measurement
    latency = measurement.latency
    if latency is None or measurement.top1 is None:
        raise ValueError(f"{candidate_name(measurement)} is no candidate: a figure lacks")
    return {
        "backbone": measurement.backbone,
        "runtime": measurement.runtime.value,
        "threads": str(measurement.threads),
        "top1": measurement.top1,
        "median_ms": latency.median_ms,
        "low_ms": latency.low_ms,
        "high_ms": latency.high_ms,
        "isOnFront": candidate.on_pareto_front,
        "isWinner": candidate == ranking.winner,
        "topOne": f"{top1_words(measurement)} %",
        "latency": latency_words(measurement),
        "memory": memory_words(measurement) or "not measured",
        "weights": measurement.weights.value,
        "verdict": measurement.verdict.value,
    }


def _description(ranking: Ranking, count: int) -> str:
    return (
        f"Scatter chart of {count} candidates on {ranking.device}: top-1 against median latency. "
        f"{len(ranking.pareto_front)} are on the Pareto front. The table below has every figure."
    )


def _latency_domain(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    low = min(row["low_ms"] for row in rows)
    high = max(row["high_ms"] for row in rows)
    return low / 1.2, high * 1.2


def _top1_domain(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    low, high = min(row["top1"] for row in rows), max(row["top1"] for row in rows)
    margin = max(1.0, (high - low) * 0.08)
    return max(0.0, low - margin), min(100.0, high + margin)


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between the bounds."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        step * 10.0**decade
        for decade in decades
        for step in (1, 2, 5)
        if low <= step * 10.0**decade <= high
    ]
