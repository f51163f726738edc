from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.rankings import Constraints
from controller.ranking.ranking import rank
from controller.views.chart import chart_specification
from models.catalog.catalog import Catalog
from models.catalog.precisions import Precision
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, measurement

_NAME_HEIGHT_PX = 14
_CHARACTER_PX = 6.5
_PLOT_WIDTH_PX, _PLOT_HEIGHT_PX = 1000, 340

_candidates = st.lists(
    st.tuples(st.floats(0.5, 500), st.integers(600, 900)), min_size=1, max_size=12
)


def _chart(points: list[tuple[float, int]], within: Constraints | None = None) -> dict[str, Any]:
    measured = [
        measurement(f"Backbone_{place}", median_ms, median_ms / 50, top1=tenths / 10)
        for place, (median_ms, tenths) in enumerate(points)
    ]
    return chart_specification(rank(DEVICE, measured, within or Constraints(), Catalog([])))


def _boxes(chart: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Left end, right end and height of every name, in pixels of a wide screen."""
    low, high = chart["encoding"]["y"]["scale"]["domain"]
    boxes = []
    for row in chart["data"]["values"]:
        if row["isOnFront"]:
            width = len(row["backbone"]) * _CHARACTER_PX
            start = row["place"] * _PLOT_WIDTH_PX - (0 if row["isLeft"] else width)
            height = row["top1"] * _PLOT_HEIGHT_PX / (high - low) + row["nameLift"]
            boxes.append((start, start + width, height))
    return boxes


@given(_candidates)
@settings(deadline=None)
def test_every_candidate_and_its_interval_are_within_the_axes(
    points: list[tuple[float, int]],
) -> None:
    chart = _chart(points)
    rows = chart["data"]["values"]
    (left, right), (bottom, top) = (
        chart["encoding"][axis]["scale"]["domain"] for axis in ("x", "y")
    )
    assert len(rows) == len(points)
    for row in rows:
        assert left < row["low"] <= row["median"] <= row["high"] < right
        assert bottom < row["top1"] < top
    assert all(left <= tick <= right for tick in chart["encoding"]["x"]["axis"]["values"])


@given(_candidates)
@settings(deadline=None)
def test_names_on_the_front_do_not_cover_each_other(points: list[tuple[float, int]]) -> None:
    boxes = sorted(_boxes(_chart(points)))
    for place, (_, end, height) in enumerate(boxes):
        for start, _, other in boxes[place + 1 :]:
            assert start >= end or abs(other - height) >= _NAME_HEIGHT_PX - 0.2


def test_a_limit_on_latency_is_drawn_where_the_chart_reaches_it() -> None:
    def limits(limit_ms: float) -> list[float]:
        chart = _chart([(4.0, 700), (40.0, 800)], Constraints(max_latency_ms=limit_ms))
        return [layer["data"]["values"][0]["limit"] for layer in chart["layer"] if "data" in layer]

    assert limits(20) == [20]
    assert limits(500) == []


def test_every_runtime_has_a_colour() -> None:
    points = next(layer for layer in _chart([(4, 700)])["layer"] if "name" in layer)
    assert set(points["encoding"]["color"]["scale"]["domain"]) == {r.value for r in Runtime}


def test_a_point_tells_all_of_how_it_was_measured() -> None:
    reduced = measurement("MobileNetV1", precision=Precision.INT8_STATIC, batch=4, threads=2)
    chart = chart_specification(rank(DEVICE, [reduced], Constraints(), Catalog([])))
    points = next(layer for layer in chart["layer"] if "name" in layer)
    told = {each["field"] for each in points["encoding"]["tooltip"]}
    (row,) = chart["data"]["values"]
    assert "onnxruntime, 2 threads, int8-static, batch 4" in [row[field] for field in told]
