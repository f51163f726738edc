"""How long starts may wait: by itself, and all of a sweep on a device together."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.jobs import MIN_WAITING_MS, limited, waiting_limit_ms
from controller.domain.sweeps import JOB_TIME_MS, SweepSpec, planned_time_ms
from models.catalog.variants import WeightsKind
from protos.measuring import StartGate
from protos.runtimes import Runtime

MINUTE_MS = 60_000
SPEC = SweepSpec(
    backbones=("MobileNetV1",),
    devices=(),
    runtimes=(Runtime.ONNXRUNTIME,),
    threads=(1,),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=3,
    most_repetitions=10,
    relative_half_width=0.02,
    time_budget_ms=1_000,
)


def test_a_sweep_waits_for_a_tenth_of_its_time_and_at_least_a_minute() -> None:
    assert waiting_limit_ms(planned_time_ms(SPEC, 1)) == MINUTE_MS
    assert waiting_limit_ms(planned_time_ms(SPEC, 40)) == MINUTE_MS
    assert waiting_limit_ms(planned_time_ms(SPEC, 400)) == 10 * MINUTE_MS


def test_time_on_a_clock_is_planned_for() -> None:
    # A second while clocks fall, and half a budget of 10 s.
    paced = replace(SPEC, paced_fps=30, fewest_repetitions=3, time_budget_ms=10_000)
    assert planned_time_ms(paced, 2) == 2 * (JOB_TIME_MS + 3 * 6_000)
    # Thirty frames at least.
    slow = replace(paced, paced_fps=2)
    assert planned_time_ms(slow, 1) == JOB_TIME_MS + 3 * 16_000


def test_minutes_of_sustained_inference_are_planned_for() -> None:
    sustained = replace(SPEC, sustained_minutes=10, fewest_repetitions=3)
    assert planned_time_ms(sustained, 2) == 60 * MINUTE_MS
    assert waiting_limit_ms(planned_time_ms(sustained, 2)) == 6 * MINUTE_MS


def test_a_sweep_with_a_time_of_its_own_is_planned_for_that() -> None:
    assert planned_time_ms(replace(SPEC, time_ms=20 * MINUTE_MS), 2) == 20 * MINUTE_MS


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 20))
def test_no_plan_is_shorter_than_its_jobs_and_no_limit_below_a_minute(
    jobs: int, minutes: int, repetitions: int
) -> None:
    spec = replace(SPEC, sustained_minutes=minutes, fewest_repetitions=repetitions)
    planned_ms = planned_time_ms(spec, jobs)
    assert planned_ms >= jobs * JOB_TIME_MS
    assert MIN_WAITING_MS <= waiting_limit_ms(planned_ms) <= max(MIN_WAITING_MS, planned_ms)


@given(st.integers(0, 3_600_000), st.integers(-60_000, 3_600_000))
def test_a_start_waits_no_longer_than_it_may_nor_than_what_is_left(
    deadline_ms: int, left_ms: int
) -> None:
    gate = StartGate(max_celsius=60, deadline_ms=deadline_ms)
    may_ms = limited(gate, left_ms).deadline_ms
    assert 0 <= may_ms <= deadline_ms
    assert may_ms <= max(0, left_ms)
    assert limited(gate, left_ms) == replace(gate, deadline_ms=may_ms)


@given(st.integers(-60_000, 60_000))
def test_a_strict_start_has_its_deadline_for_itself(left_ms: int) -> None:
    gate = StartGate(max_celsius=60, deadline_ms=MINUTE_MS, is_strict=True)
    assert limited(gate, left_ms) == gate
