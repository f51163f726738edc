"""Whether the device is as a start gate wants it: pure functions of what the kernel tells."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.domain import DeviceState, StartGate, Temperature

# A processor at rest is now and then as much warmer than at its coolest: a timer, a sensor's step.
RESTING_MARGIN_CELSIUS = 3.0
# Makers name zones as they like. These tell of a processor's cores or of the chip around them: the
# drivers of hwmon that are read at all, cpu-thermal, soc-thermal, x86_pkg_temp, bigcore0-thermal,
# and BIG, MID and LITTLE of Exynos and Tensor. A bare "soc" is a battery's state of charge.
_OF_PROCESSOR = re.compile(
    "^hwmon|cpu|soc[-_0-9]|core|pkg|package|:(?:big|mid|little)$", re.IGNORECASE
)
# And these of something else, which warms up for reasons of its own or tells a constant.
_OF_OTHERS = re.compile(
    "batt|bms|charg|:socd?$|usb|modem|mdm|pa[-_]?therm|wifi|wlan|wcss|cam|skin|quiet|xo[-_]|pmic|pm[0-9]"
    "|nvme|disk|ssd|lcd|led|flash|display|ambient|gpu|g3d|tpu|npu|dsp|isp|aoss|pch|fan|case",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What keeps a repetition from starting, for people.

    Attributes:
        figures: what is so, and what it has to be.
        remedy: what they can do about it.
    """

    figures: str
    remedy: str


def processor_celsius(temperatures: Sequence[Temperature]) -> float | None:
    """The hottest zone of those that tell of the processor; None where there is none.

    Where no name says that it does, every zone counts that is not known for something else.
    """
    of_processor = [each.celsius for each in temperatures if _OF_PROCESSOR.search(each.zone)]
    unnamed = [each.celsius for each in temperatures if not _OF_OTHERS.search(each.zone)]
    return max(of_processor or unnamed, default=None)


def obstacle(
    state: DeviceState,
    load_by_others: float | None,
    gate: StartGate,
    resting_celsius: float | None,
) -> Obstacle | None:
    """The first thing that is not as the gate wants it; None when a repetition may start.

    What the kernel does not tell is no obstacle.

    Args:
        state: of this moment.
        load_by_others: cores' time that is taken now; None is unknown.
        gate: what is wanted.
        resting_celsius: the coolest that the processor was seen at.
    """
    return next(_obstacles(state, load_by_others, gate, resting_celsius), None)


def _obstacles(
    state: DeviceState,
    load_by_others: float | None,
    gate: StartGate,
    resting_celsius: float | None,
) -> Iterator[Obstacle]:
    battery, charge = state.battery, gate.min_battery_percent
    if (
        charge is not None
        and battery is not None
        and battery.status == "Discharging"
        and battery.charge_percent is not None
        and battery.charge_percent < charge
    ):
        yield Obstacle(
            figures=f"the battery is at {battery.charge_percent} %, starts from {charge} % on",
            remedy="charge it, or allow less with --min-battery",
        )
    celsius = processor_celsius(state.temperatures)
    if gate.max_celsius is not None and celsius is not None:
        resting = -1e3 if resting_celsius is None else resting_celsius + RESTING_MARGIN_CELSIUS
        limit, why = max((gate.max_celsius, ""), (resting, ", as at rest"))
        if celsius >= limit:
            yield Obstacle(
                figures=f"the processor is at {celsius:.1f} °C, starts below {limit:.3g} °C{why}",
                remedy="let it cool down, or allow more with --max-temperature",
            )
    most = gate.max_load_by_others
    if most is not None and load_by_others is not None and load_by_others > most:
        yield Obstacle(
            figures=f"others take {load_by_others:.2f} cores, starts at {most:g} or below",
            remedy="end what else runs there, or allow more with --max-load",
        )
