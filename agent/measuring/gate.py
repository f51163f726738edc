"""Whether the device is as a start gate wants it: pure functions of what the kernel tells."""

from collections.abc import Iterator
from operator import itemgetter

from agent.device.temperatures import processor_celsius
from protos.device import DeviceState
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason

# A processor at rest is now and then as much warmer than at its coolest: a timer, a sensor's step.
RESTING_MARGIN_CELSIUS = 3.0


def obstacle(
    state: DeviceState,
    load_by_others: float | None,
    gate: StartGate,
    resting_celsius: float | None,
) -> Reason | None:
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
) -> Iterator[Reason]:
    battery, charge = state.battery, gate.min_battery_percent
    if (
        charge is not None
        and battery is not None
        and battery.status == "Discharging"
        and battery.charge_percent is not None
        and battery.charge_percent < charge
    ):
        yield reason(
            ReasonCode.BATTERY_LOW, charge_percent=battery.charge_percent, least_percent=charge
        )
    celsius = processor_celsius(state.temperatures)
    if gate.max_celsius is not None and celsius is not None:
        resting = -1e3 if resting_celsius is None else resting_celsius + RESTING_MARGIN_CELSIUS
        limit, code = max(
            (gate.max_celsius, ReasonCode.PROCESSOR_WARM),
            (resting, ReasonCode.PROCESSOR_ABOVE_REST),
            key=itemgetter(0),
        )
        if celsius >= limit:
            yield reason(code, celsius=celsius, limit_celsius=limit)
    most = gate.max_load_by_others
    if most is not None and load_by_others is not None and load_by_others > most:
        yield reason(ReasonCode.CORES_TAKEN, load_by_others=load_by_others, most=most)
