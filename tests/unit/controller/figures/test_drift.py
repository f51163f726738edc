"""What changed while a job was measured is told, and noise is not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.measurements import Verdict
from controller.figures.drift import (
    MIN_CLOCK_STEP_MS,
    MIN_LEAK_BYTES,
    SAMPLE_BYTES,
    clock_step,
    drift,
    waiting,
)
from controller.figures.latency import latency_figures
from controller.figures.verdicts import verdict
from protos.measuring import ProcessMemory, Repetition
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.controller.samples.measurements import MS, figures, repetition, state
from tests.unit.controller.samples.reasons import about

_seeds = st.integers(0, 2**32 - 1)


def noisy(
    seed: int, count: int, spread: float = 0.04
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).lognormal(np.log(5 * MS), spread, count)


def taken(latency_ns: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Repetition:
    return repetition(tuple(latency_ns.astype(int).tolist()))


def grown(growth_bytes: int, count: int = 100) -> Repetition:
    memory = ProcessMemory(
        anonymous_bytes=10_000_000, sampled_anonymous_bytes=10_000_000 + growth_bytes
    )
    return repetition((MS,) * count, memory=memory)


def lasting(told_ms: int, run_ms: int, count: int = 10) -> Repetition:
    return repetition(
        (run_ms * MS // count,) * count,
        warmup_ns=(),
        before=state(taken_at_unix_ms=1_000_000),
        after=state(taken_at_unix_ms=1_000_000 + told_ms),
    )


def change(judged: Repetition) -> float:
    """By which part latency rose, or fell, in a repetition that is told to have drifted."""
    found = drift([judged])
    assert found is not None
    assert found.code is ReasonCode.LATENCY_SHIFTED
    return found.figures["change"]


def clock_set(step_ms: float) -> Reason:
    """A step of the clock in a job of one repetition."""
    return about(ReasonCode.CLOCK_SET, step_ms=step_ms, repetition=1, repetitions=1)


class TestShift:
    def test_a_step_is_told_with_its_size_and_place(self) -> None:
        slowed = noisy(1, 400)
        slowed[100:] *= 1.5
        job = [taken(noisy(0, 400)), taken(slowed)]
        told = drift(job)
        assert told is not None
        assert told.code is ReasonCode.LATENCY_SHIFTED
        assert told.figures == {
            "change": pytest.approx(0.5, abs=0.015),
            "after_share": pytest.approx(0.25, abs=0.015),
            "repetition": 2,
            "repetitions": 2,
        }
        assert verdict(latency_figures(job), job, 9.9) == (Verdict.THROTTLED, (told,))

    def test_a_slow_drift_is_told_since_its_halves_differ(self) -> None:
        assert change(taken(noisy(2, 400) * np.linspace(1, 1.5, 400))) > 0
        assert change(taken(noisy(2, 400) * np.linspace(1.5, 1, 400))) < 0

    @pytest.mark.parametrize(
        "burst", [slice(0, 12), slice(388, 400)], ids=["at the beginning", "at the end"]
    )
    def test_a_burst_of_slow_runs_is_no_shift_and_a_few_fast_ones_tell_of_all_others(
        self, burst: slice
    ) -> None:
        samples = noisy(4, 400)
        samples[burst] *= 1.3
        assert drift([taken(samples)]) is None
        samples[burst] /= 1.3**2
        assert change(taken(samples)) != 0

    def test_an_outlier_is_no_shift_however_far(self) -> None:
        samples = noisy(3, 60)
        samples[-3:] *= 50
        assert drift([taken(samples)]) is None

    @pytest.mark.parametrize("count", [1, 2, 11, 12, 13, 29])
    def test_few_samples_are_judged_or_not_without_falling_over(self, count: int) -> None:
        assert drift([repetition((MS,) * count)]) is None

    def test_a_clean_step_without_any_noise_is_told(self) -> None:
        assert change(repetition((MS,) * 64 + (2 * MS,) * 64)) == pytest.approx(1)

    @given(_seeds, st.integers(40, 2_000), st.floats(0.2, 0.8), st.floats(1.3, 4.0), st.booleans())
    @settings(deadline=None)
    def test_a_step_of_a_third_is_always_told(
        self, seed: int, count: int, place: float, factor: float, rises: bool
    ) -> None:
        samples = noisy(seed, count)
        samples[int(place * count) :] *= factor if rises else 1 / factor
        assert (change(taken(samples)) > 0) is rises

    @given(_seeds, st.integers(1, 2_000), st.floats(0.0, 0.1))
    @settings(deadline=None)
    def test_steady_noise_is_never_told(self, seed: int, count: int, spread: float) -> None:
        assert drift([taken(noisy(seed, count, spread))]) is None

    @given(_seeds, st.integers(30, 400))
    @settings(deadline=None)
    def test_the_unit_of_time_does_not_matter(self, seed: int, count: int) -> None:
        samples = noisy(seed, count)
        samples[count // 2 :] *= 2
        assert change(taken(samples)) == pytest.approx(change(taken(samples * 1_000)), rel=1e-3)


class TestLeak:
    def test_memory_that_grows_beyond_the_samples_is_told(self) -> None:
        assert drift([grown(30_000_000 + 100 * SAMPLE_BYTES)]) == reason(
            ReasonCode.MEMORY_GREW, grown_bytes=30_000_000, repetition=1, repetitions=1
        )

    @given(st.integers(1, 3_000))
    def test_the_samples_themselves_are_no_leak(self, count: int) -> None:
        most = SAMPLE_BYTES * count + MIN_LEAK_BYTES
        assert drift([grown(most, count)]) is None
        assert drift([grown(most + 1, count)]) is not None

    def test_memory_that_falls_or_is_unknown_is_no_leak(self) -> None:
        assert drift([grown(-50_000_000)]) is None
        assert drift([repetition((MS,), memory=None)]) is None
        assert drift([repetition((MS,), memory=ProcessMemory(anonymous_bytes=1))]) is None


class TestWaiting:
    def test_cores_that_others_had_disturb_a_figure_and_drift_no_fault_of_the_device(
        self,
    ) -> None:
        slowed = noisy(1, 400)
        slowed[100:] *= 1.5
        job = [replace(taken(slowed), after=state(waiting_share=0.42))]
        told = reason(ReasonCode.CORES_SHARED, share=0.42)
        assert verdict(figures(10, 0.0), job, 0.02) == (Verdict.DISTURBED, (told,))

    @pytest.mark.parametrize("share", [None, 0.0, 0.1])
    def test_a_little_waiting_or_an_unknown_one_is_nothing(self, share: float | None) -> None:
        assert waiting([repetition((MS,), after=state(waiting_share=share))]) is None
        assert waiting([repetition((MS,), after=None)]) is None

    def test_one_interruption_of_many_repetitions_is_noise_of_the_job(self) -> None:
        others = [repetition((MS,), after=state(waiting_share=0.0))] * 2
        interrupted = repetition((MS,), after=state(waiting_share=0.2))
        silent = repetition((MS,), after=None)
        assert waiting([interrupted, *others, silent]) is None
        told = waiting([interrupted, interrupted, *others[:1], silent])
        assert told is not None
        assert told.figures == {"share": pytest.approx(0.4 / 3)}


class TestClockStep:
    def test_a_clock_that_was_set_is_told_and_the_figure_stays(self) -> None:
        job = [lasting(3_601_000, 1_000)]
        judged, (_, told) = verdict(figures(10, 0.0), job, 0.02)
        assert (judged, told) == (Verdict.OK, clock_set(3_600_000))
        assert clock_step([lasting(-3_599_000, 1_000)]) == clock_set(-3_600_000)

    @given(st.integers(0, 600_000), st.floats(-1, 1))
    def test_overhead_is_no_step(self, run_ms: int, part: float) -> None:
        told_ms = run_ms + int(part * (MIN_CLOCK_STEP_MS + 0.1 * run_ms - 10))
        assert clock_step([lasting(told_ms, run_ms)]) is None

    def test_samples_that_are_a_part_of_the_runs_tell_of_steps_back_only(self) -> None:
        assert clock_step([lasting(60_000, 10_000, count=100_000)]) is None
        assert clock_step([lasting(-60_000, 10_000, count=100_000)]) == clock_set(-70_000)

    def test_a_moment_that_is_not_known_tells_nothing(self) -> None:
        assert clock_step([replace(lasting(3_600_000, 1_000), before=None)]) is None
