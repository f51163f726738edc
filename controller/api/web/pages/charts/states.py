"""How warm and how fast a device was while it measured lately."""

from collections.abc import Iterator, Sequence
from typing import Any

from controller.api.web.pages.charts.looks import drawn
from controller.domain.measurements import Measurement
from controller.views.chart import Specification
from protos.device import DeviceState
from protos.measuring import Repetition

_TITLES = {"celsius": "temperature (°C)", "ghz": "clock (GHz)"}


def states_chart(measured: Sequence[Measurement]) -> Specification | None:
    """Temperature and frequency over time; None where the device tells neither."""
    rows = [
        row
        for measurement in measured
        for repetition in measurement.repetitions
        for state in states_of(repetition)
        for row in _rows(state, measurement.backbone)
    ]
    known = [each for each in _TITLES if any(row["of"] == each for row in rows)]
    if not known:
        return None
    return drawn(
        "Temperature and clock of the device while it measured, over time.",
        0,
        data={"values": rows},
        vconcat=[_panel(each, is_last=each == known[-1]) for each in known],
    ) | {"width": None, "height": None}


def states_of(repetition: Repetition) -> Iterator[DeviceState]:
    """The device before, during and after a repetition, where it is known."""
    yield from filter(None, (repetition.before, *repetition.during, repetition.after))


def hottest(state: DeviceState) -> float | None:
    """The highest temperature that a device tells, degrees Celsius."""
    return max((each.celsius for each in state.temperatures), default=None)


def fastest_ghz(state: DeviceState) -> float | None:
    """The highest clock of those cores that measured, or of all where that is not known, GHz."""
    measuring = [each for each in state.clocks if each.cpu in state.measured_cpus]
    clocks = [each.frequency_khz for each in measuring or state.clocks]
    return max(clocks, default=0) / 1e6 or None


def _rows(state: DeviceState, backbone: str) -> Iterator[dict[str, Any]]:
    for kind, value in (("celsius", hottest(state)), ("ghz", fastest_ghz(state))):
        if value is not None:
            yield {
                "at": state.taken_at_unix_ms,
                "of": kind,
                "value": value,
                "backbone": backbone,
            }


def _panel(kind: str, *, is_last: bool) -> Specification:
    x_axis = {"title": "time, UTC"} if is_last else {"title": None, "labels": False}
    return {
        "width": "container",
        "height": 120,
        "transform": [{"filter": f"datum.of == '{kind}'"}],
        "mark": {"type": "point", "filled": True, "size": 22, "color": "var(--series-1)"},
        "encoding": {
            "x": {"field": "at", "type": "temporal", "scale": {"type": "utc"}, "axis": x_axis},
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": _TITLES[kind],
                "scale": {"zero": False},
                "axis": {"tickCount": 4, "minExtent": 45},
            },
            "tooltip": [
                {"field": "backbone", "type": "nominal"},
                {"field": "value", "type": "quantitative", "title": _TITLES[kind]},
            ],
        },
    }
