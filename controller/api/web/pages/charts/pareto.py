"""The report's chart of a ranking, with series in colours and the way to each measurement."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from controller.api.web.pages.charts.looks import OTHER, SERIES_COLOURS, coloured
from controller.api.web.pages.ground.links import measurement_link
from controller.domain.rankings import Candidate, Merit, Ranking
from controller.views.chart import Specification, chart_specification
from controller.views.wording import with_held_back

_MOST_SERIES: Final = len(SERIES_COLOURS)
_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def pareto_chart(ranking: Ranking) -> Specification | None:
    """Top-1 against median latency; None where nothing has both."""
    shown = [each for each in with_held_back(ranking) if each.measurement.top1 is not None]
    if not shown:
        return None
    chart = chart_specification(ranking)
    named = _named_series(shown)
    # At its two ends a front bends nowhere.
    ends = (*ranking.pareto_front[:1], *ranking.pareto_front[-1:])
    for row, candidate in zip(chart["data"]["values"], shown, strict=True):
        series = candidate.measurement.series
        row["series"] = series if series in named else OTHER
        row["href"] = measurement_link(candidate.measurement)
        row["isKnee"] = Merit.VALUE in candidate.first_by and candidate not in ends
    names = [*named, *([OTHER] if len(named) == _MOST_SERIES else [])]
    for layer in chart["layer"]:
        _recolour(layer, names)
    runtimes = sorted({row["runtime"] for row in chart["data"]["values"]})
    points = next(layer for layer in chart["layer"] if layer.get("name") == "candidates")
    points["mark"]["cursor"] = "pointer"
    points["encoding"]["shape"] = _shapes("runtime", runtimes)
    points["encoding"]["tooltip"].insert(1, {"field": "series", "type": "nominal"})
    chart["layer"].append(_knee())
    chart["config"]["legend"] |= {"columns": 4, "symbolLimit": 0}
    return chart


def _named_series(shown: Sequence[Candidate]) -> list[str]:
    """Series that get a colour of their own: those on the front first, then the most frequent."""
    weights: Counter[str] = Counter()
    for candidate in shown:
        weights[candidate.measurement.series] += 1_000 if candidate.on_pareto_front else 1
    return sorted(series for series, _ in weights.most_common(_MOST_SERIES))


def _recolour(layer: Specification, names: Sequence[str]) -> None:
    encoding: dict[str, Any] = layer.get("encoding", {})
    for channel in ("color", "stroke"):
        if encoding.get(channel, {}).get("field") == "runtime":
            encoding[channel] = coloured("series", names)


def _shapes(field: str, names: Sequence[str]) -> Specification:
    shapes = [_SHAPES[place % len(_SHAPES)] for place in range(len(names))]
    return {"field": field, "type": "nominal", "scale": {"domain": list(names), "range": shapes}}


def _knee() -> Specification:
    return {
        "transform": [{"filter": "datum.isKnee"}],
        "mark": {
            "type": "text",
            "text": "knee",
            "dy": 20,
            "fontSize": 11,
            "fontStyle": "italic",
            "color": "var(--muted)",
            "aria": False,
        },
    }
