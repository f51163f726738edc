"""What a chart draws can be read from its axes."""

from dataclasses import replace

import pytest

from controller.api.web.pages.charts.pareto import pareto_chart
from controller.api.web.pages.charts.samples import samples_charts
from controller.api.web.pages.charts.states import roomy
from controller.domain.rankings import Constraints
from controller.ranking.ranking import rank
from models.catalog.catalog import Catalog
from protos.device import CpuClock, DeviceState
from protos.measuring import Repetition
from tests.measured import repetition_of
from tests.unit.controller.samples.measurements import DEVICE, measurement


def _process(khz: int) -> Repetition:
    states = [
        DeviceState(taken_at_unix_ms=at_ms, clocks=(CpuClock(cpu=0, frequency_khz=khz),))
        for at_ms in (0, 20)
    ]
    return replace(repetition_of((1_000_000,) * 10), before=states[0], after=states[1])


def test_a_clock_that_never_changes_stands_between_two_labels() -> None:
    measured = replace(measurement("ResNet50", 1.0, 0.1), repetitions=(_process(2_400_000),) * 2)
    _, clock = samples_charts(measured)
    low, high = clock["encoding"]["y"]["scale"]["domain"]
    assert low < 2.35
    assert high > 2.45
    # A line for each process: none leads across what lies between two.
    assert {row["process"] for row in clock["data"]["values"]} == {"1", "2"}
    assert clock["encoding"]["detail"]["field"] == "process"


@pytest.mark.parametrize("values", [[2.4], [-12.0, -12.0], [0.0], [41.0, 46.5]])
def test_an_axis_has_room_around_whatever_it_shows(values: list[float]) -> None:
    low, high = roomy(values)
    assert low < min(values) <= max(values) < high


@pytest.mark.parametrize("constraints", [Constraints(), Constraints(min_top1=50)])
def test_the_knee_is_marked_whoever_wins(constraints: Constraints) -> None:
    figures = {"Fast": (1.0, 60.0), "Knee": (2.0, 74.0), "Slow": (20.0, 78.0)}
    measured = [measurement(name, ms, 0.01, top1=top1) for name, (ms, top1) in figures.items()]
    chart = pareto_chart(rank(DEVICE, measured, constraints, Catalog([])))
    assert chart is not None
    marked = [row["backbone"] for row in chart["data"]["values"] if row["isKnee"]]
    assert marked == ["Knee"]
    # At an end of a front is none: where there is no more, or what is between lies below the line.
    below = measurement("Mid", 10.0, 0.01, top1=60.5)
    for front in (measured[:2], [measured[0], below, measured[2]]):
        ends = pareto_chart(rank(DEVICE, front, constraints, Catalog([])))
        assert ends is not None
        assert not any(row["isKnee"] for row in ends["data"]["values"])
