"""What disturbed a job, by the device states that were read while it ran: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from controller.figures.finding import first_found
from protos.device import DeviceState
from protos.measuring import Repetition
from protos.reasons import Reason, ReasonCode, reason

# Turbo steps of a processor whose other cores wake up stay within a tenth; heat takes a fifth and
# more (an i7-8550U goes from 3.7 to 2.4 GHz when its turbo budget ends).
SLOW_CLOCK: Final = 0.85
# A single reading may have met a core that just woke up.
MIN_SLOW_READINGS: Final = 2
MIN_SLOW_SHARE: Final = 0.1
# Of a quota's periods. The agent's own readings may end one now and then.
MIN_THROTTLED_SHARE: Final = 0.1


def throttling(repetitions: Sequence[Repetition]) -> Reason | None:
    """Tell how the device was throttled while a job ran; None when nothing tells of it.

    It was when, in any repetition,

    - its quota of processor time ended in a tenth of its periods, or more,
    - a counter of throttling events rose between the first state and the last,
    - a limit was in force while it sampled or right after, a temperature included from which on the
      processor is slowed down,
    - or a core that the child computed on was clocked below 85 % of its first reading, in this or
      another repetition, in a tenth of its readings, and at least 2 of them.

    A kernel that tells neither counters, limits nor clocks shows no throttling.
    """
    full_khz = _first_clocks(repetitions)
    return first_found(repetitions, (_out_of_quota, _risen, _limited, partial(_slowed, full_khz)))


def _out_of_quota(repetition: Repetition) -> Reason | None:
    """A child that stands still for its quota is ready to run, as if others had its cores."""
    # What the process did before it sampled counts only where nothing was read while it did.
    watched = repetition.during or [repetition.before]
    told = [
        (state.quota_period_count, state.quota_throttled_count)
        for state in (*watched, repetition.after)
        if state is not None
    ]
    counts = [(periods, ended) for periods, ended in told if None not in (periods, ended)]
    if len(counts) < 2:
        return None
    periods, ended = (last - first for first, last in zip(counts[0], counts[-1], strict=True))
    if periods <= 0 or ended < MIN_THROTTLED_SHARE * periods:
        return None
    return reason(ReasonCode.QUOTA_ENDED, count=ended, periods=periods)


def _risen(repetition: Repetition) -> Reason | None:
    states = [repetition.before, *repetition.during, repetition.after]
    counted = [state for state in states if state is not None and state.throttle_counters]
    if len(counted) < 2:
        return None
    first, last = _counts(counted[0]), _counts(counted[-1])
    for name, count in last.items():
        # One that starts again at 0 has not risen.
        if count > first.get(name, count):
            return reason(
                ReasonCode.THROTTLING_COUNTED, {"counter": name}, count=count - first[name]
            )
    return None


def _counts(state: DeviceState) -> Mapping[str, int]:
    return {counter.name: counter.count for counter in state.throttle_counters}


def _limited(repetition: Repetition) -> Reason | None:
    states = [*repetition.during, *filter(None, [repetition.after])]
    limits = [limit for state in states for limit in state.active_limits]
    return reason(ReasonCode.LIMIT_IN_FORCE, {"limit": limits[0]}) if limits else None


def _first_clocks(repetitions: Iterable[Repetition]) -> Mapping[int, int]:
    """By core, the fastest of the clocks that repetitions on it began with."""
    fastest: dict[int, int] = {}
    for repetition in repetitions:
        for cpu, readings_khz in _clocks_of_measured_cores(repetition.during).items():
            fastest[cpu] = max(fastest.get(cpu, 0), readings_khz[0])
    return fastest


def _slowed(full_khz: Mapping[int, int], repetition: Repetition) -> Reason | None:
    for cpu, readings_khz in _clocks_of_measured_cores(repetition.during).items():
        slow = [reading for reading in readings_khz if reading < SLOW_CLOCK * full_khz[cpu]]
        if len(slow) >= max(MIN_SLOW_READINGS, MIN_SLOW_SHARE * len(readings_khz)):
            return reason(ReasonCode.CLOCK_FELL, cpu=cpu, from_khz=full_khz[cpu], to_khz=min(slow))
    return None


def _clocks_of_measured_cores(states: Iterable[DeviceState]) -> Mapping[int, list[int]]:
    clocks: dict[int, list[int]] = defaultdict(list)
    for state in states:
        for clock in state.clocks:
            if clock.cpu in state.measured_cpus and clock.frequency_khz:
                clocks[clock.cpu].append(clock.frequency_khz)
    return clocks
