"""How a device was lately: its sentinel's readings over time, each sweep's with its band."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median_low
from typing import Any

from controller.api.web.pages.charts.looks import drawn
from controller.fleet.rounds.drifting import band_ms, lasting_changes, slowdown
from controller.state.devices.sentinels import SentinelCourse
from controller.views.chart import Specification
from controller.views.counting import minute


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How a device was during one sweep.

    Attributes:
        course: what its sentinel read.
        median_ms: the middle reading, ms.
        low_ms: below which a reading has changed, ms.
        high_ms: above which a reading has changed, ms.
        spread: how much slower the slowest is than the fastest; 0.2 is 20 %.
        changed: the places of readings that changed and lasted, from 0.
    """

    course: SentinelCourse
    median_ms: float
    low_ms: float
    high_ms: float
    spread: float
    changed: frozenset[int]


def watched(course: SentinelCourse) -> Watched:
    """Judge a sentinel's readings as its sweep did."""
    readings_ms = [each.median_ms for each in course.readings]
    low_ms, high_ms = band_ms(readings_ms)
    return Watched(
        course=course,
        median_ms=median_low(readings_ms),
        low_ms=low_ms,
        high_ms=high_ms,
        spread=slowdown(readings_ms),
        changed=lasting_changes(readings_ms),
    )


def sentinel_chart(several: Sequence[Watched]) -> Specification | None:
    """Readings over time with the bands outside of which they have changed; None without any."""
    # Sweeps lie days apart: they stand side by side, each from the number of its first reading.
    starts = list(accumulate((len(each.course.readings) for each in several), initial=1))
    placed = list(zip(several, starts, strict=False))
    rows = [row for each, start in placed for row in _readings(each, start)]
    if not rows:
        return None
    bands = [_band(each, start) for each, start in placed]
    drifted = sum(row["found"] == "changed" for row in rows)
    return drawn(
        f"{len(rows)} readings of the sentinel over time, {drifted} of them changed",
        220,
        layer=[
            {
                "data": {"values": bands},
                "mark": {"type": "rect", "color": "var(--series-3)", "opacity": 0.14},
                "encoding": {
                    "x": _number("from", len(rows)),
                    "x2": {"field": "to"},
                    "y": _latency("low"),
                    "y2": {"field": "high"},
                },
            },
            {
                "data": {"values": rows},
                "mark": {"type": "line", "color": "var(--line)", "strokeWidth": 1, "aria": False},
                "encoding": {
                    "x": _number("number", len(rows)),
                    "y": _latency("ms"),
                    "detail": {"field": "sweep", "type": "nominal"},
                },
            },
            {
                "data": {"values": rows},
                "mark": {"type": "point", "filled": True, "size": 40, "aria": False},
                "encoding": {"x": _number("number", len(rows)), "y": _latency("ms"), **_looks()},
            },
        ],
    )


def _looks() -> dict[str, Any]:
    return {
        "color": {
            "field": "found",
            "type": "nominal",
            "title": None,
            "scale": {
                "domain": ["within its band", "changed"],
                "range": ["var(--series-3)", "var(--series-4)"],
            },
        },
        "shape": {
            "field": "found",
            "type": "nominal",
            "title": None,
            "scale": {"domain": ["within its band", "changed"], "range": ["circle", "diamond"]},
        },
        "tooltip": [
            {"field": "sweep", "type": "nominal"},
            {"field": "at", "type": "nominal", "title": "UTC"},
            {"field": "ms", "type": "quantitative", "title": "median, ms", "format": ".4~g"},
            {"field": "found", "type": "nominal"},
        ],
    }


def _number(field: str, most: int) -> Specification:
    return {
        "field": field,
        "type": "quantitative",
        "title": "readings, sweep by sweep, the oldest first",
        "scale": {"domain": [0.5, most + 0.5], "nice": False, "zero": False},
        "axis": {"tickMinStep": 1, "labelOverlap": True, "grid": False},
    }


def _latency(field: str) -> Specification:
    return {
        "field": field,
        "type": "quantitative",
        "title": "latency (ms)",
        "scale": {"zero": False},
        "axis": {"tickCount": 5, "minExtent": 45},
    }


def _readings(watched: Watched, start: int) -> Iterator[dict[str, Any]]:
    for place, reading in enumerate(watched.course.readings):
        yield {
            "number": start + place,
            "at": minute(reading.taken_at_unix_ms),
            "ms": reading.median_ms,
            "sweep": watched.course.sweep_id,
            "found": "changed" if place in watched.changed else "within its band",
        }


def _band(watched: Watched, start: int) -> dict[str, Any]:
    return {
        "from": start - 0.5,
        "to": start + len(watched.course.readings) - 0.5,
        "low": watched.low_ms,
        "high": watched.high_ms,
    }
