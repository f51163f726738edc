"""Energy of an inference: what meters tell while it samples, less what they told at rest."""

from dataclasses import replace

import pytest

from controller.figures.energy import energy_figures
from controller.views.settings_words import energy_words
from protos.device import Battery, DeviceState, PowerReading
from protos.measuring import Repetition
from tests.unit.controller.samples.measurements import ENERGY, measurement, repetition

MS = 1_000_000
AT_10_MS = replace(repetition((10 * MS, 10 * MS)), before=None, after=None)


def drawing(at_ms: int, watts: float, status: str = "Discharging") -> DeviceState:
    power = (PowerReading(source="battery", watts=watts),)
    return DeviceState(taken_at_unix_ms=at_ms, power=power, battery=Battery(status=status))


def counting(at_ms: int, energy_uj: int) -> DeviceState:
    power = (PowerReading(source="package-0", energy_uj=energy_uj),)
    return DeviceState(taken_at_unix_ms=at_ms, power=power)


def drawn(busy_watts: float, resting_watts: float = 1.5) -> Repetition:
    return replace(
        AT_10_MS,
        at_rest=(drawing(0, resting_watts - 0.1), drawing(250, resting_watts + 0.1)),
        during=(drawing(2_000, busy_watts), drawing(3_000, busy_watts)),
    )


def test_an_inference_took_what_the_device_took_above_rest_while_it_ran() -> None:
    found = energy_figures([drawn(4.0), drawn(4.5), drawn(5.0)])
    assert found is not None
    (battery,) = found.meters
    assert (battery.source, battery.repetition_count) == ("battery", 3)
    # 3 W above rest for 10 ms.
    assert battery.per_inference_mj == pytest.approx(30)
    assert (battery.busy_watts, battery.resting_watts) == pytest.approx((4.5, 1.5))
    # Student's t of three: 4.30 standard errors of 2.89 mJ.
    assert (battery.low_mj, battery.high_mj) == pytest.approx((30 - 12.42, 30 + 12.42), abs=0.01)


def test_a_counter_tells_by_what_it_moved_and_one_repetition_has_no_interval() -> None:
    counted = replace(
        AT_10_MS,
        at_rest=(counting(0, 7_000_000), counting(1_000, 8_000_000)),
        before=counting(2_000, 9_000_000),
        after=counting(4_000, 15_000_000),
    )
    found = energy_figures([counted])
    assert found is not None
    (package,) = found.meters
    # 3 W and 1 W.
    assert package.per_inference_mj == pytest.approx(20)
    assert (package.low_mj, package.high_mj) == (None, None)


@pytest.mark.parametrize(
    "after", [counting(2_400, 9_900_000), counting(4_000, 8_000_000)], ids=["short", "wrapped"]
)
def test_a_counter_that_hardly_moved_or_began_anew_tells_nothing(after: DeviceState) -> None:
    at_rest = (counting(0, 7_000_000), counting(1_000, 8_000_000))
    before = counting(2_000, 9_000_000)
    counted = replace(AT_10_MS, at_rest=at_rest, before=before, during=(), after=after)
    found = energy_figures([counted])
    assert found is not None
    assert found.meters == ()
    words = tuple(energy_words(measurement("A", energy=found)))
    assert words == ("energy unknown, since it sampled for too short a time",)


def test_nothing_is_told_where_a_battery_is_charged_at_any_moment() -> None:
    plugged = replace(drawn(4.0), during=(drawing(2_000, 4.0, status="Charging"),))
    found = energy_figures([drawn(4.0), plugged])
    assert found is not None
    assert (found.was_charging, found.meters) == (True, ())
    words = tuple(energy_words(measurement("A", energy=found)))
    assert words == ("energy unknown, since the battery was being charged",)


def test_a_device_without_meters_says_nothing() -> None:
    assert energy_figures([AT_10_MS]) is None
    assert tuple(energy_words(measurement("A"))) == ()


def test_the_figure_is_told_with_its_interval_and_as_informative() -> None:
    assert tuple(energy_words(measurement("A", energy=ENERGY))) == (
        "12.5 mJ [11, 14] an inference above rest by battery (informative)",
    )
