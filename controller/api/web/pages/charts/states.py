"""How warm and how fast a device was while it measured lately."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from controller.api.web.pages.charts.looks import CLOCK, drawn
from controller.domain.measurements import Measurement
from controller.views.chart import Specification
from protos.device import DeviceState
from protos.measuring import Repetition

_ROOM = 0.05
_TITLES = {"celsius": "temperature (°C)", "ghz": "clock (GHz)"}


@dataclass(frozen=True, kw_only=True)
class StateSpan:
    """Between what temperature and clock lay while something was measured; None is not told."""

    least_celsius: float | None
    most_celsius: float | None
    least_ghz: float | None
    most_ghz: float | None


def state_span(repetitions: Sequence[Repetition]) -> StateSpan | None:
    """The least and the most of what a chart draws of them; None where nothing is told."""
    states = [state for each in repetitions for state in states_of(each)]
    celsius = [each for each in map(hottest, states) if each is not None]
    ghz = [each for each in map(fastest_ghz, states) if each is not None]
    if not celsius and not ghz:
        return None
    return StateSpan(
        least_celsius=min(celsius, default=None),
        most_celsius=max(celsius, default=None),
        least_ghz=min(ghz, default=None),
        most_ghz=max(ghz, default=None),
    )


def states_charts(measured: Sequence[Measurement]) -> list[Specification]:
    """Temperature and clock over time, a chart each; without what the device does not tell."""
    rows = [
        row
        for measurement in measured
        for repetition in measurement.repetitions
        for state in states_of(repetition)
        for row in _rows(state, measurement.backbone)
    ]
    found = []
    for kind, title in _TITLES.items():
        its = [row for row in rows if row["of"] == kind]
        if its:
            found.append(_over_time(its, title))
    return found


def states_of(repetition: Repetition) -> Iterator[DeviceState]:
    """The device before, during and after a repetition, where it is known."""
    yield from filter(None, (repetition.before, *repetition.during, repetition.after))


def hottest(state: DeviceState) -> float | None:
    """The highest temperature that a device tells, degrees Celsius."""
    return max((each.celsius for each in state.temperatures), default=None)


def fastest_ghz(state: DeviceState) -> float | None:
    """The highest clock of those cores that measured, or of all where that is not known, GHz."""
    measuring = [each for each in state.clocks if each.cpu in state.measured_cpus]
    clocks = [each.frequency_khz or 0 for each in measuring or state.clocks]
    return max(clocks, default=0) / 1e6 or None


def roomy(values: Sequence[float]) -> list[float]:
    """The ends of an axis for these: of one that never changes, too, it has more than one label."""
    room = _ROOM * max(map(abs, values)) or _ROOM
    return [min(values) - room, max(values) + room]


def _rows(state: DeviceState, backbone: str) -> Iterator[dict[str, Any]]:
    for kind, value in (("celsius", hottest(state)), ("ghz", fastest_ghz(state))):
        if value is not None:
            yield {
                "at": state.taken_at_unix_ms,
                "of": kind,
                "value": value,
                "backbone": backbone,
            }


def _over_time(rows: list[dict[str, Any]], title: str) -> Specification:
    value = {"field": "value", "type": "quantitative", "title": title}
    domain = roomy([row["value"] for row in rows])
    return drawn(
        f"{title} of the device while it measured, over time",
        150,
        data={"values": rows},
        # A reader would be told of hundreds of points; the chart itself has a description.
        mark={
            "type": "point",
            "filled": True,
            "size": 22,
            "color": "var(--series-1)",
            "aria": False,
        },
        encoding={
            "x": {
                "field": "at",
                "type": "temporal",
                "title": "time, UTC",
                "scale": {"type": "utc"},
                "axis": {"labelOverlap": True, "labelFlush": True, "tickCount": 8, "format": CLOCK},
            },
            "y": value
            | {
                "scale": {"domain": domain, "nice": False, "zero": False},
                "axis": {"tickCount": 4, "minExtent": 45},
            },
            "tooltip": [{"field": "backbone", "type": "nominal"}, value],
        },
    )
