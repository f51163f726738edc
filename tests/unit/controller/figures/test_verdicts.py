"""Whether a job's figures can be trusted, and what is told of those that cannot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.measurements import Verdict
from controller.figures.latency import latency_figures
from controller.figures.verdicts import verdict
from protos.device import DeviceState
from protos.measuring import Repetition, StopReason
from protos.reasons import Reason, ReasonCode
from tests.unit.controller.samples.measurements import MS, figures, repetition
from tests.unit.controller.samples.noise import noise
from tests.unit.controller.samples.reasons import TAKEN, about

_latencies = st.lists(st.integers(1_000, 10**9), min_size=1, max_size=40).map(tuple)
_jobs = st.lists(_latencies.map(repetition), min_size=1, max_size=4)
OK = (Verdict.OK, ())


def _out_of_time(job: list[Repetition], late: int) -> list[Repetition]:
    """The job with its first repetitions stopped by the time budget."""
    stopped = [replace(r, stop_reason=StopReason.TIME_BUDGET) for r in job[:late]]
    return [*stopped, *job[late:]]


def _cause(job: list[Repetition]) -> Reason:
    """Why a job is wide."""
    judged, (cause,) = verdict(latency_figures(job), job, 0.02)
    assert judged is Verdict.WIDE
    return cause


def test_an_interval_as_narrow_as_wanted_is_ok() -> None:
    assert verdict(figures(10, 0.2), noise(1, [10.0, 10.0]), 0.02) == OK


def test_an_interval_of_one_process_is_ok_and_what_it_does_not_tell_is_said() -> None:
    assert verdict(figures(10, 0.2), noise(1, [10.0]), 0.02) == (
        Verdict.OK,
        (about(ReasonCode.ONE_PROCESS),),
    )


def test_a_warm_up_that_had_not_settled_is_said() -> None:
    settled, unsettled, unknown = (
        replace(taken, warmup_settled=known)
        for taken, known in zip(noise(1, [10.0] * 3), (True, False, None), strict=True)
    )
    assert verdict(figures(10, 0.2), [settled, unsettled, unknown], 0.02) == (
        Verdict.OK,
        (about(ReasonCode.WARMUP_UNSETTLED, count=1, repetitions=3),),
    )
    assert verdict(figures(10, 0.2), [settled, unknown], 0.02) == OK


@pytest.mark.parametrize("half_width", [0.2, 0.34], ids=["narrow", "wide"])
def test_a_start_before_the_device_was_ready_disturbs_however_wide_the_interval(
    half_width: float,
) -> None:
    first, *others = noise(1, [10.0] * 3)
    job = [first, *(replace(taken, started_unready=TAKEN) for taken in others)]
    told = about(ReasonCode.STARTED_UNREADY, count=2, repetitions=3)
    assert verdict(figures(10, half_width), job, 0.02) == (Verdict.DISTURBED, (told, TAKEN))


def test_a_device_that_was_throttled_is_told_before_how_it_started() -> None:
    hot = DeviceState(taken_at_unix_ms=0, active_limits=("cpu_thermal",))
    job = [replace(taken, started_unready=TAKEN, after=hot) for taken in noise(1, [10.0] * 2)]
    judged, reasons = verdict(figures(10, 0.2), job, 0.02)
    assert judged is Verdict.THROTTLED
    codes = [ReasonCode.LIMIT_IN_FORCE, ReasonCode.STARTED_UNREADY, ReasonCode.CORES_TAKEN]
    assert [told.code for told in reasons] == codes


def test_noise_is_told_in_figures_with_its_cause() -> None:
    assert verdict(figures(10, 0.34), noise(1, [10.0]), 0.02) == (
        Verdict.WIDE,
        (about(ReasonCode.SAMPLES_SPREAD, reached=0.034, wanted=0.02),),
    )


def test_repetitions_that_disagree_are_wide_and_it_is_told_how_far() -> None:
    job = [repetition((4_095_000, 4_100_000, 4_105_000) * 20), repetition((4_520_000,) * 60)]
    apart = {"least_ms": 4.1, "most_ms": 4.52, "reached": 0.1, "wanted": 0.02}
    assert verdict(figures(4.3, 0.43), job, 0.02) == (
        Verdict.WIDE,
        (about(ReasonCode.REPETITIONS_DISAGREE, **apart),),
    )


@pytest.mark.parametrize("late", [0, 1, 3])
def test_repetitions_that_disagree_are_told_although_the_time_budget_ended(late: int) -> None:
    job = _out_of_time(noise(1, [1.0, 1.0, 1.3]), late)
    assert verdict(latency_figures(job), job, 0.02)[0] is Verdict.WIDE


def test_repetitions_that_disagree_by_less_than_matters_are_ok() -> None:
    close = noise(1, [10.0, 10.01, 10.02, 10.03, 10.04], count=2_000, spread=0.001)
    # The states of the noise are of one moment, as if the clock had been set back meanwhile.
    job = [replace(repetition, before=None, after=None) for repetition in close]
    assert verdict(latency_figures(job), job, 0.02) == OK


def test_repetitions_with_too_few_samples_are_not_said_to_disagree() -> None:
    # Their medians are far apart, but no farther than so few and so noisy samples can be.
    job = _out_of_time(noise(1, [10.0, 10.0, 10.0], count=6, spread=0.2), 3)
    assert _cause(job).code is ReasonCode.TIME_BUDGET_ENDED


def test_agreeing_repetitions_in_time_are_too_few() -> None:
    # With one degree of freedom, medians 0.4 % apart bound nothing better than ±2.5 %.
    samples = [np.linspace(9.9, 10.1, 30) * MS * factor for factor in (1, 1.004)]
    cause = _cause([repetition(tuple(taken.astype(int).tolist())) for taken in samples])
    assert (cause.code, cause.figures["repetitions"]) == (ReasonCode.FEW_REPETITIONS, 2)


def test_a_single_repetition_has_nobody_to_disagree_with() -> None:
    job = noise(1, [10.0], count=30, spread=0.3)
    assert _cause(job).code is ReasonCode.SAMPLES_SPREAD
    assert _cause(_out_of_time(job, 1)).code is ReasonCode.TIME_BUDGET_ENDED


def test_noise_that_stays_is_told_from_time_that_ended() -> None:
    stable = [
        replace(each, stop_reason=StopReason.NOISE_STABLE)
        for each in noise(1, [10.0], count=30, spread=0.3)
    ]
    assert _cause(stable).code is ReasonCode.NOISE_STAYS


@given(_jobs)
@settings(deadline=None)
def test_every_job_gets_a_verdict_and_one_that_is_not_ok_a_reason(job: list[Repetition]) -> None:
    judged, reasons = verdict(latency_figures(job), job, 0.02)
    assert judged in (Verdict.OK, Verdict.WIDE, Verdict.DISTURBED, Verdict.THROTTLED)
    assert reasons or judged is Verdict.OK
