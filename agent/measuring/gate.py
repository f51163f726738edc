"""Whether the device is as a start gate wants it: pure functions of what the kernel tells."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.device.temperatures import processor_celsius
from protos.device import DeviceState
from protos.measuring import StartGate

# A processor at rest is now and then as much warmer than at its coolest: a timer, a sensor's step.
RESTING_MARGIN_CELSIUS = 3.0


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What keeps a repetition from starting, for people.

    Attributes:
        figures: what is so, and what it has to be.
        remedy: what they can do about it.
    """

    figures: str
    remedy: str


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
