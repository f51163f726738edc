"""How much faster or slower B is than A, pair by pair, with intervals."""

from collections.abc import Sequence
from typing import Any, Final

from controller.api.web.pages.charts.looks import drawn
from controller.domain.comparisons import Change, ComparedPair, Comparison
from controller.views.chart import Specification

_MOST: Final = 40
_ROW_PX: Final = 24
_AROUND_PX: Final = 100
_LOOKS: Final = {
    Change.FASTER: ("faster", "var(--series-3)", "circle"),
    Change.SLOWER: ("slower", "var(--series-4)", "square"),
    Change.SAME: ("the same", "var(--series-1)", "diamond"),
    Change.CANNOT_TELL: ("cannot tell", "var(--muted)", "cross"),
}


def ratio_chart(
    comparison: Comparison, named: Sequence[tuple[str, ComparedPair]]
) -> Specification | None:
    """B's median over A's, a row a pair, the slowest first; None without pairs.

    Args:
        comparison: whose margin is drawn.
        named: pairs with what each is called; of many the first are drawn.
    """
    rows = [_row(name, pair) for name, pair in named[:_MOST]]
    if not rows:
        return None
    names = [row["pair"] for row in sorted(rows, key=lambda row: -row["ratio"])]
    margin = 1 + comparison.limits.equivalence_margin
    y = {
        "field": "pair",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(dict.fromkeys(names))},
        "axis": {"grid": False},
    }
    intervals = [row for row in rows if row["low"] is not None]
    return drawn(
        f"ratio of B's median latency to A's in {len(rows)} pairs, with 95 % intervals",
        _AROUND_PX + _ROW_PX * len(set(names)),
        layer=[
            {
                "data": {"values": [{"low": 1 / margin, "high": margin}]},
                "mark": {"type": "rect", "color": "var(--series-1)", "opacity": 0.12},
                "encoding": {"x": _ratio("low"), "x2": {"field": "high"}},
            },
            # Without rows it would have no scale, of which browsers complain.
            *([_interval_layer(intervals, y)] if intervals else []),
            {
                "data": {"values": rows},
                "mark": {"type": "point", "filled": True, "size": 60, "aria": False},
                "encoding": {"x": _ratio("ratio"), "y": y, **_colour(), **_shape()},
            },
        ],
    )


def _interval_layer(rows: Sequence[Specification], y: Specification) -> Specification:
    return {
        "data": {"values": rows},
        "mark": {"type": "rule", "strokeWidth": 2, "aria": False},
        "encoding": {"x": _ratio("low"), "x2": {"field": "high"}, "y": y, **_colour()},
    }


def _row(name: str, pair: ComparedPair) -> dict[str, Any]:
    return {
        "pair": name,
        "ratio": pair.ratio,
        "low": pair.ratio_low,
        "high": pair.ratio_high,
        "change": _LOOKS[pair.change][0],
    }


def _ratio(field: str) -> Specification:
    return {
        "field": field,
        "type": "quantitative",
        "title": "B's median over A's (log scale)",
        "scale": {"type": "log", "nice": False, "padding": 12},
        "axis": {"format": ".4~g", "tickCount": 5, "labelOverlap": True},
    }


def _colour() -> dict[str, Any]:
    return {"color": _channel(1)}


def _shape() -> dict[str, Any]:
    return {"shape": _channel(2)}


def _channel(place: int) -> Specification:
    return {
        "field": "change",
        "type": "nominal",
        "title": "B is",
        "scale": {
            "domain": [looks[0] for looks in _LOOKS.values()],
            "range": [looks[place] for looks in _LOOKS.values()],
        },
    }
