"""What disturbed a job, by the device states that were read while it ran: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from protos.device import DeviceState
from protos.measuring import Repetition

# Turbo steps of a processor whose other cores wake up stay within a tenth; heat takes a fifth and
# more (an i7-8550U goes from 3.7 to 2.4 GHz when its turbo budget ends).
SLOW_CLOCK: Final = 0.85
# A single reading may have met a core that just woke up.
MIN_SLOW_READINGS: Final = 2
MIN_SLOW_SHARE: Final = 0.1

_KHZ_PER_GHZ: Final = 1e6


def throttling(repetitions: Sequence[Repetition]) -> str:
    """Say how the device was throttled while a job ran; empty when nothing tells of it.

    It was when, in any repetition,

    - a counter of throttling events rose between the first state and the last,
    - a limit was in force while it sampled or right after, a temperature included from which on the
      processor is slowed down,
    - or a core that the child computed on was clocked below 85 % of its first reading, in this or
      another repetition, in a tenth of its readings, and at least 2 of them.

    A kernel that tells neither counters, limits nor clocks shows no throttling.
    """
    full_khz = _first_clocks(repetitions)
    for ordinal, repetition in enumerate(repetitions, start=1):
        found = _risen(repetition) or _limited(repetition) or _slowed(repetition, full_khz)
        if found:
            return f"{found} in repetition {ordinal} of {len(repetitions)}"
    return ""


def _risen(repetition: Repetition) -> str:
    states = [repetition.before, *repetition.during, repetition.after]
    counted = [state for state in states if state is not None and state.throttle_counters]
    if len(counted) < 2:
        return ""
    first, last = _counts(counted[0]), _counts(counted[-1])
    for name, count in last.items():
        # One that starts again at 0 has not risen.
        if count > first.get(name, count):
            return f"{name} rose by {count - first[name]}"
    return ""


def _counts(state: DeviceState) -> Mapping[str, int]:
    return {counter.name: counter.count for counter in state.throttle_counters}


def _limited(repetition: Repetition) -> str:
    states = [*repetition.during, *filter(None, [repetition.after])]
    limits = [limit for state in states for limit in state.active_limits]
    return f"{limits[0]} limited the device" if limits else ""


def _first_clocks(repetitions: Iterable[Repetition]) -> Mapping[int, int]:
    """By core, the fastest of the clocks that repetitions on it began with."""
    fastest: dict[int, int] = {}
    for repetition in repetitions:
        for cpu, readings_khz in _clocks_of_measured_cores(repetition.during).items():
            fastest[cpu] = max(fastest.get(cpu, 0), readings_khz[0])
    return fastest


def _slowed(repetition: Repetition, full_khz: Mapping[int, int]) -> str:
    for cpu, readings_khz in _clocks_of_measured_cores(repetition.during).items():
        slow = [reading for reading in readings_khz if reading < SLOW_CLOCK * full_khz[cpu]]
        if len(slow) >= max(MIN_SLOW_READINGS, MIN_SLOW_SHARE * len(readings_khz)):
            full, least = full_khz[cpu] / _KHZ_PER_GHZ, min(slow) / _KHZ_PER_GHZ
            return f"core {cpu} fell from {full:.2f} to {least:.2f} GHz"
    return ""


def _clocks_of_measured_cores(states: Iterable[DeviceState]) -> Mapping[int, list[int]]:
    clocks: dict[int, list[int]] = defaultdict(list)
    for state in states:
        for clock in state.clocks:
            if clock.cpu in state.measured_cpus and clock.frequency_khz:
                clocks[clock.cpu].append(clock.frequency_khz)
    return clocks
