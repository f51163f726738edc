"""A device that was slowed down while it measured is told from one that was not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.measurements import Verdict
from controller.figures.disturbances import throttling
from controller.figures.verdicts import verdict
from protos.device import CpuClock, DeviceState, ThrottleCounter
from protos.measuring import Repetition
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.controller.samples.measurements import MS, figures, repetition, state

GHZ = 1_000_000


def watched(*readings_khz: int, cpu: int = 4, measured: bool = True) -> Repetition:
    during = tuple(
        state(
            clocks=(CpuClock(cpu=cpu, frequency_khz=reading),),
            measured_cpus=(cpu,) if measured else (),
        )
        for reading in readings_khz
    )
    return repetition((MS,), during=during)


def counted(count: int) -> DeviceState:
    return state(throttle_counters=(ThrottleCounter(name="cpu0 core_throttle_count", count=count),))


def fell(repetition_ordinal: int, cpu: int = 4) -> Reason:
    """Of two repetitions, one in which a core fell from 2.84 to 1.77 GHz."""
    return reason(
        ReasonCode.CLOCK_FELL,
        cpu=cpu,
        from_khz=2_840_000,
        to_khz=1_770_000,
        repetition=repetition_ordinal,
        repetitions=2,
    )


def test_a_measured_core_that_falls_is_told_with_its_frequencies() -> None:
    job = [watched(*[2_840_000] * 9), watched(*[2_840_000] * 5, *[1_770_000] * 4)]
    assert throttling(job) == fell(2)
    assert verdict(figures(10, 0.0), job, 0.02) == (Verdict.THROTTLED, (fell(2),))


def test_a_core_that_was_slow_from_the_start_is_told_by_the_other_repetitions() -> None:
    full, slow = watched(*[2_840_000] * 5), watched(*[1_770_000] * 5)
    assert throttling([full, slow]) == fell(2)
    assert throttling([slow, full]) == fell(1)
    # Another core may be a slower one by nature.
    assert throttling([full, watched(*[1_770_000] * 5, cpu=0)]) is None
    assert throttling([slow, slow]) is None


def quota(periods: int, ended: int) -> DeviceState:
    return state(quota_period_count=periods, quota_throttled_count=ended)


def test_a_quota_that_ended_is_told_and_not_other_processes() -> None:
    after = replace(quota(140, 17), waiting_share=0.4)
    job = [repetition((MS,), before=quota(0, 0), during=(quota(100, 5),), after=after)]
    told = reason(ReasonCode.QUOTA_ENDED, count=12, periods=40, repetition=1, repetitions=1)
    assert throttling(job) == told
    assert verdict(figures(10, 0.0), job, 0.02) == (Verdict.THROTTLED, (told,))


@pytest.mark.parametrize(
    ("during", "after"),
    [
        # What it did before it sampled does not count, nor a period now and then.
        ((quota(100, 90),), quota(140, 90)),
        ((quota(100, 5),), quota(140, 8)),
        ((quota(100, 5),), quota(100, 5)),
        ((quota(100, 5),), quota(3, 0)),
        ((state(),), quota(140, 90)),
    ],
)
def test_a_quota_that_hardly_ended_is_not_told(
    during: tuple[DeviceState, ...], after: DeviceState
) -> None:
    assert throttling([repetition((MS,), before=quota(0, 0), during=during, after=after)]) is None


def test_of_a_repetition_that_nothing_was_read_in_all_of_it_counts() -> None:
    job = [repetition((MS,), before=quota(10, 0), during=(), after=quota(20, 5))]
    found = throttling(job)
    assert found is not None
    assert (found.figures["count"], found.figures["periods"]) == (5, 10)


def test_a_core_that_rests_may_fall() -> None:
    assert throttling([watched(2_840_000, 300_000, 300_000, measured=False)]) is None


def test_one_slow_reading_is_no_throttling_and_neither_are_turbo_steps() -> None:
    assert throttling([watched(2_840_000, 1_000_000, *[2_840_000] * 8)]) is None
    assert throttling([watched(4_000_000, *[3_600_000] * 8)]) is None


def test_a_core_that_speeds_up_was_not_throttled() -> None:
    assert throttling([watched(1_000_000, *[2_840_000] * 8)]) is None


ROSE = reason(
    ReasonCode.THROTTLING_COUNTED,
    {"counter": "cpu0 core_throttle_count"},
    count=2,
    repetition=1,
    repetitions=1,
)


@pytest.mark.parametrize(("before", "after", "told"), [(3, 5, ROSE), (5, 5, None), (5, 0, None)])
def test_a_counter_that_rose_is_throttling(before: int, after: int, told: Reason | None) -> None:
    job = [repetition((MS,), before=counted(before), during=(), after=counted(after))]
    assert throttling(job) == told


def test_a_limit_in_force_is_throttling_unless_it_ended_before() -> None:
    limit = "cooling_device1:thermal-cpufreq-2"
    limited = state(active_limits=(limit,))
    told = reason(ReasonCode.LIMIT_IN_FORCE, {"limit": limit}, repetition=1, repetitions=1)
    assert throttling([repetition((MS,), during=(limited,))]) == told
    assert throttling([repetition((MS,), after=limited)]) == told
    assert throttling([repetition((MS,), before=limited)]) is None


def test_a_kernel_that_tells_nothing_shows_no_throttling() -> None:
    silent = replace(watched(), before=None, after=None, during=(DeviceState(taken_at_unix_ms=0),))
    assert throttling([silent]) is None


@given(st.integers(400_000, 5 * GHZ), st.integers(3, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_a_lasting_fall_is_always_told_and_jitter_never(
    start_khz: int, count: int, seed: int, falls: bool
) -> None:
    rng = np.random.default_rng(seed)
    readings = start_khz * rng.uniform(0.95, 1.0, count)
    if falls:
        lasting = max(2, math.ceil(0.1 * count))
        readings[rng.integers(1, count - lasting + 1) :] *= 0.7
    assert bool(throttling([watched(*readings.astype(int).tolist())])) == falls
