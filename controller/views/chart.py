"""The Pareto chart of a ranking, as a Vega-Lite specification."""

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from controller.domain.measurements import LatencyFigures
from controller.domain.rankings import Candidate, Constraints, Ranking
from controller.views.counting import counted
from controller.views.wording import (
    candidate_name,
    latency_words,
    memory_words,
    samples_words,
    setting,
    top1_figure,
    top1_words,
    with_held_back,
)

Specification: TypeAlias = dict[str, Any]

_HEIGHT_PX: Final = 440
_MOST_TOLD: Final = 12
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
# Narrower than this, names beside the points would cover each other.
_NAMED_FROM_PX: Final = 520
# What names are spread for: the plot on a wide screen, and the room that a name takes.
_PLOT_PX: Final = (1000, 340)
_NAME_PX: Final = (6.5, 14)
_RUNTIME_COLOURS: Final = {"onnxruntime": "var(--series-1)", "paddlelite": "var(--series-2)"}
_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def front_words(ranking: Ranking) -> str:
    """Say what the chart shows: of how many the front consists, and its members with figures."""
    front = [each.measurement for each in ranking.pareto_front]
    told = "; ".join(
        f"{candidate_name(each)}, {top1_figure(each)}, {latency_words(each)}"
        for each in front[:_MOST_TOLD]
    )
    more = f"; and {len(front) - _MOST_TOLD} more" if len(front) > _MOST_TOLD else ""
    return f"On the front, the fastest first: {told}{more}." if told else ""


def chart_specification(ranking: Ranking) -> Specification:
    """Draw every candidate: top-1 against median latency, intervals as bars, the front as a line.

    What only its verdict leaves out is a point, too; all that is not ok is drawn hollow.
    What has no known accuracy has no place.

    Colours are custom properties of the page's style sheet, so that the chart follows light and
    dark mode without being drawn again.
    """
    shown = [each for each in with_held_back(ranking) if each.measurement.top1 is not None]
    latencies = [_latency(candidate) for candidate in shown]
    domain = _latency_domain(latencies)
    rows = [_row(candidate, ranking, domain) for candidate in shown]
    _spread_names([row for row in rows if row["isOnFront"]], _top1_domain(rows))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": (
            f"{counted(len(rows), 'candidate')} on {ranking.device}, top-1 against median latency; "
            f"{len(ranking.pareto_front)} are on the Pareto front."
        ),
        "width": "container",
        "height": _HEIGHT_PX,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": rows},
        "encoding": {"x": _latency_axis(domain), "y": _top1_axis(rows, ranking.accuracy_dataset)},
        "layer": [
            *_limits(ranking.constraints, domain),
            _front_line(),
            _interval_bars(),
            _winner_ring(),
            _points(rows),
            _names("left", 10, "datum.isLeft"),
            _names("right", -10, "!datum.isLeft"),
        ],
        "config": _config(),
    }


def _latency(candidate: Candidate) -> LatencyFigures:
    latency = candidate.measurement.latency
    if latency is None:
        raise ValueError(f"{candidate_name(candidate.measurement)} is no candidate: no latency")
    return latency


def _latency_domain(latencies: Sequence[LatencyFigures]) -> tuple[float, float]:
    low = min(latency.low_ms for latency in latencies)
    high = max(latency.high_ms for latency in latencies)
    return low / 1.25, high * 1.25


def _row(candidate: Candidate, ranking: Ranking, domain: tuple[float, float]) -> dict[str, Any]:
    measurement, latency = candidate.measurement, _latency(candidate)
    place = math.log(latency.median_ms / domain[0]) / math.log(domain[1] / domain[0])
    return {
        "backbone": measurement.backbone,
        "runtime": measurement.runtime.value,
        "threads": str(measurement.threads),
        "setting": setting(measurement),
        "top1": measurement.top1,
        "median": latency.median_ms,
        "low": latency.low_ms,
        "high": latency.high_ms,
        "isOnFront": candidate.on_pareto_front,
        "isWinner": candidate == ranking.winner,
        "place": place,
        # A name stands above and to the left of its point, unless the axis is in its way.
        "isLeft": place * _PLOT_PX[0] < _name_px(measurement.backbone),
        "nameLift": 0.0,
        "top1Words": f"{top1_words(measurement)} %",
        "latencyWords": latency_words(measurement),
        "samplesWords": samples_words(latency),
        "memoryWords": memory_words(measurement) or "not measured",
        "weights": measurement.weights.value,
        "verdict": measurement.verdict.value,
    }


def _top1_domain(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    low, high = min(row["top1"] for row in rows), max(row["top1"] for row in rows)
    margin = max(1.0, (high - low) * 0.1)
    return max(0.0, low - margin), min(100.0, high + margin)


def _spread_names(front: Sequence[dict[str, Any]], top1_domain: tuple[float, float]) -> None:
    """Lift names off those to their left, into the room above the front, where nothing is drawn."""
    px_per_point = _PLOT_PX[1] / (top1_domain[1] - top1_domain[0])
    placed: list[tuple[float, float]] = []
    for row in sorted(front, key=lambda row: (row["median"], row["top1"])):
        width = _name_px(row["backbone"])
        start = row["place"] * _PLOT_PX[0] - (0 if row["isLeft"] else width)
        wanted = row["top1"] * px_per_point
        height = max([wanted, *(top + _NAME_PX[1] for end, top in placed if end > start)])
        placed.append((start + width, height))
        row["nameLift"] = round(height - wanted, 1)


def _name_px(name: str) -> float:
    return len(name) * _NAME_PX[0] + 10


def _latency_axis(domain: tuple[float, float]) -> Specification:
    decades = range(math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1])) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    return {
        "field": "median",
        "type": "quantitative",
        "title": "median latency (ms, log scale)",
        "scale": {"type": "log", "domain": list(domain), "nice": False},
        "axis": {"values": [tick for tick in ticks if domain[0] <= tick <= domain[1]]},
    }


def _top1_axis(rows: Sequence[dict[str, Any]], dataset: str) -> Specification:
    return {
        "field": "top1",
        "type": "quantitative",
        "title": f"{dataset} top-1 (%)",
        "scale": {"domain": list(_top1_domain(rows)), "nice": False, "zero": False},
        "axis": {"tickCount": 6},
    }


def _limits(constraints: Constraints, domain: tuple[float, float]) -> list[Specification]:
    """Draw the constraint on latency where it is within the chart."""
    limit_ms = constraints.max_latency_ms
    if limit_ms is None or not domain[0] <= limit_ms <= domain[1]:
        return []
    line = {
        "data": {"values": [{"limit": limit_ms}]},
        "mark": {"type": "rule", "strokeDash": [2, 4], "color": "var(--muted)"},
        "encoding": {"x": {"field": "limit", "type": "quantitative"}, "y": None},
    }
    return [line]


def _front_line() -> Specification:
    return {
        "transform": [{"filter": "datum.isOnFront"}],
        # Steps: between two members the best that can be had is the more modest one.
        "mark": {
            "type": "line",
            "interpolate": "step-after",
            "strokeWidth": 1.5,
            "color": "var(--line)",
            "aria": False,
        },
        "encoding": {"order": {"field": "median", "type": "quantitative"}},
    }


def _interval_bars() -> Specification:
    return {
        "mark": {"type": "rule", "strokeWidth": 2, "strokeCap": "round", "aria": False},
        "encoding": {
            "x": {"field": "low", "type": "quantitative"},
            "x2": {"field": "high"},
            "color": _colour(),
            "opacity": _opacity(on_front=0.8, elsewhere=0.35),
        },
    }


def _winner_ring() -> Specification:
    return {
        "transform": [{"filter": "datum.isWinner"}],
        "mark": {
            "type": "point",
            "shape": "circle",
            "size": 420,
            "strokeWidth": 2,
            "stroke": "var(--accent)",
            "filled": False,
            "opacity": 1,
            "aria": False,
        },
    }


def _points(rows: Sequence[dict[str, Any]]) -> Specification:
    threads = sorted({row["threads"] for row in rows}, key=int)
    shapes = [_SHAPES[place % len(_SHAPES)] for place in range(len(threads))]
    tooltip = {
        "backbone": "backbone",
        "top1Words": "top-1",
        "latencyWords": "median [95 %]",
        "samplesWords": "from",
        "memoryWords": "memory",
        "setting": "setting",
        "weights": "weights",
        "verdict": "verdict",
    }
    return {
        "name": "candidates",
        "mark": {"type": "point", "filled": True, "size": 90},
        "encoding": {
            "color": _colour(),
            "shape": {
                "field": "threads",
                "type": "nominal",
                "scale": {"domain": threads, "range": shapes},
            },
            "stroke": _colour(),
            "fillOpacity": {
                "condition": {"test": "datum.verdict !== 'ok'", "value": 0},
                "value": 1,
            },
            "opacity": _opacity(on_front=1.0, elsewhere=0.45),
            "tooltip": [
                {"field": field, "type": "nominal", "title": title}
                for field, title in tooltip.items()
            ],
        },
    }


def _names(align: str, offset_px: int, side: str) -> Specification:
    return {
        "transform": [{"filter": f"datum.isOnFront && {side}"}],
        "mark": {
            "type": "text",
            "align": align,
            "dx": offset_px,
            "dy": {"expr": "-10 - datum.nameLift"},
            "fontSize": 11,
            "color": "var(--text)",
            "fontWeight": {"expr": "datum.isWinner ? 'bold' : 'normal'"},
            "opacity": {"expr": f"width < {_NAMED_FROM_PX} ? 0 : 1"},
            "aria": False,
        },
        "encoding": {"text": {"field": "backbone", "type": "nominal"}},
    }


def _colour() -> Specification:
    return {
        "field": "runtime",
        "type": "nominal",
        "scale": {"domain": list(_RUNTIME_COLOURS), "range": list(_RUNTIME_COLOURS.values())},
    }


def _opacity(on_front: float, elsewhere: float) -> Specification:
    return {"condition": {"test": "datum.isOnFront", "value": on_front}, "value": elsewhere}


def _config() -> Specification:
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": "var(--muted)",
            "titleColor": "var(--muted)",
            "gridColor": "var(--grid)",
            "domainColor": "var(--line)",
            "tickColor": "var(--line)",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 10,
        },
        "legend": {
            "labelColor": "var(--text)",
            "titleColor": "var(--muted)",
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "symbolBaseFillColor": "var(--muted)",
            "symbolBaseStrokeColor": "var(--muted)",
            "orient": "top",
        },
    }
