"""How long measuring is expected to take follows from what it took before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.jobs import PlanEstimate
from controller.domain.sweeps import JOB_TIME_MS, SweepSpec
from controller.state.rounds.history import MeasuringTime
from controller.sweeps.planning import plan_sweep
from controller.sweeps.prospects.estimating import estimate, history_of
from models.catalog.catalog import load_catalog
from protos.runtimes import Runtime
from tests.unit.controller.sweeps.test_planning import SPEC, device

NAMES = ("MobileNetV1", "PPLCNet_x1_0", "GhostNet_x1_3")
ASKED = replace(
    SPEC, backbones=NAMES, runtimes=(Runtime.ONNXRUNTIME,), threads=(1,), most_repetitions=10
)
HERE = device("pc")


def took(backbone: str, turn_ms: float, device_id: str = HERE.device_id) -> MeasuringTime:
    return MeasuringTime(
        device_id=device_id,
        backbone=backbone,
        runtime=Runtime.ONNXRUNTIME,
        time_budget_ms=ASKED.time_budget_ms,
        sustained_minutes=0,
        paced_fps=0.0,
        turn_ms=turn_ms,
    )


def estimated(
    *times: MeasuringTime, spec: SweepSpec = ASKED, ratios: tuple[float, ...] = ()
) -> PlanEstimate:
    jobs = [job for job in plan_sweep(spec, (HERE,), load_catalog()).jobs if not job.is_sentinel]
    return estimate(jobs, spec, HERE, history_of(times, {HERE.device_id: ratios}))


def test_without_history_each_job_has_the_time_that_a_job_has() -> None:
    found = estimated()
    assert found.expected_ms == 3 * JOB_TIME_MS
    assert (found.jobs, found.known_here, found.known_elsewhere) == (3, 0, 0)
    assert (found.earlier_ratio, found.earlier_sweeps) == (None, 0)


def test_what_is_known_here_goes_before_what_is_known_of_other_devices() -> None:
    found = estimated(
        took("MobileNetV1", 1_000),
        took("MobileNetV1", 400, "another"),
        took("PPLCNet_x1_0", 500, "another"),
        took("PPLCNet_x1_0", 700, "a third"),
        ratios=(1.5, 1.0, 4.0),
    )
    assert found.expected_ms == 10 * 1_000 + 10 * 600 + JOB_TIME_MS
    assert (found.known_here, found.known_elsewhere) == (1, 1)
    assert (found.earlier_ratio, found.earlier_sweeps) == (1.5, 3)


@pytest.mark.parametrize(
    ("turn_ms", "expected_ms"),
    [
        # All that it may have, as many as its time holds, the fewest in any case.
        (1_000, 10_000),
        (4_000, JOB_TIME_MS),
        (20_000, 60_000),
    ],
)
def test_a_job_takes_as_many_repetitions_as_its_time_holds(
    turn_ms: float, expected_ms: int
) -> None:
    spec = replace(ASKED, backbones=NAMES[:1])
    assert estimated(took(NAMES[0], turn_ms), spec=spec).expected_ms == expected_ms


def test_a_sweep_with_a_time_takes_it_but_what_all_need_and_no_more_than_all_may_have() -> None:
    known = [took(name, 1_000) for name in NAMES]
    timed = replace(ASKED, time_ms=20_000)
    assert estimated(*known, spec=timed).expected_ms == 20_000
    assert estimated(*known, spec=replace(timed, time_ms=1_000)).expected_ms == 9_000
    assert estimated(*known, spec=replace(timed, time_ms=90_000)).expected_ms == 30_000
    assert estimated(spec=timed).expected_ms == 20_000


def test_other_lengths_of_a_repetition_tell_nothing() -> None:
    longer = replace(took("MobileNetV1", 1_000), time_budget_ms=9_000)
    assert estimated(longer).known_here == 0


def test_minutes_are_what_they_are() -> None:
    spec = replace(
        ASKED, backbones=NAMES[:1], sustained_minutes=5, fewest_repetitions=1, most_repetitions=1
    )
    assert estimated(spec=spec).expected_ms == 5 * 60_000
    known = replace(took(NAMES[0], 310_000), sustained_minutes=5)
    assert estimated(known, spec=spec).expected_ms == 310_000


def test_a_sentinel_is_read_between_them() -> None:
    spec = replace(ASKED, sentinel=True)
    assert estimated(spec=spec).expected_ms == round(3 * JOB_TIME_MS * 1.1)


@given(
    st.lists(st.floats(1, 100_000), min_size=3, max_size=3),
    st.none() | st.integers(1, 10_000_000),
    st.booleans(),
)
def test_it_is_never_less_than_the_fewest_repetitions(
    turns_ms: list[float], time_ms: int | None, sentinel: bool
) -> None:
    known = [took(name, turn_ms) for name, turn_ms in zip(NAMES, turns_ms, strict=True)]
    spec = replace(ASKED, time_ms=time_ms, sentinel=sentinel)
    assert estimated(*known, spec=spec).expected_ms >= round(3 * sum(turns_ms)) - 1


def test_what_emulated_devices_took_tells_nothing_of_real_ones_nor_the_other_way_round() -> None:
    real = took(NAMES[0], 1_000, "id-of-real")
    emulated = replace(took(NAMES[0], 60_000, "id-of-emulated"), is_emulated=True)
    spec = replace(ASKED, backbones=NAMES[:1])
    assert estimated(real, emulated, spec=spec) == estimated(real, spec=spec)
    assert estimated(emulated, spec=spec).known_elsewhere == 0
