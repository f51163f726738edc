"""What a device takes at rest, read just before a child starts."""

from collections.abc import Callable, Iterator

from protos.device import DeviceState

LOOKS = 5
# Meters of batteries say something new about once in a quarter of a second, or more rarely.
INTERVAL_S = 0.25


def states_at_rest(
    look: Callable[[], DeviceState],
    now_unix_ms: Callable[[], int],
    wait: Callable[[float], None],
) -> tuple[DeviceState, ...]:
    """Power and battery in the second before a start.

    None where the kernel tells no power, so that no time is spent; one where a battery is charged,
    which hides what the device takes.

    Args:
        look: reads the device's state.
        now_unix_ms: the device's clock.
        wait: spends seconds.
    """
    return tuple(_states(look, now_unix_ms, wait))


def _states(
    look: Callable[[], DeviceState],
    now_unix_ms: Callable[[], int],
    wait: Callable[[float], None],
) -> Iterator[DeviceState]:
    for number in range(LOOKS):
        if number:
            wait(INTERVAL_S)
        seen = look()
        is_charged = seen.battery is not None and seen.battery.is_charged
        if not seen.power and not is_charged:
            return
        yield DeviceState(taken_at_unix_ms=now_unix_ms(), power=seen.power, battery=seen.battery)
        if is_charged:
            return
