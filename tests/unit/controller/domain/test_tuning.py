"""Which settings of a backbone are tried, which are stopped, and which is the best."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.cores import CoreChoice
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import MemoryFigures, Verdict
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.tuning import (
    ROUNDS,
    Fate,
    Setting,
    Trial,
    concluded,
    is_without_weights,
    judged,
    measured,
    settings_of,
    sweeps_of,
)
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.device import CoreCluster, DeviceProfile
from protos.inputs import ImageSize
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.samples.asked_sweeps import asked_by
from tests.unit.controller.samples.measurements import failed, measurement

PHONE = DeviceProfile(
    architecture="aarch64",
    logical_cores=8,
    runtimes=(
        RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23"),
        RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13"),
    ),
    clusters=(
        CoreCluster(cpus=(6, 7), capacity=1024),
        CoreCluster(cpus=(0, 1, 2, 3, 4, 5), capacity=400),
    ),
)


def setting(threads: int, runtime: Runtime = Runtime.ONNXRUNTIME) -> Setting:
    return Setting(runtime=runtime, threads=threads, precision=Precision.FP32)


def trial(threads: int, median_ms: float, half_ms: float, **changes: object) -> Trial:
    figure = replace(measurement("A", median_ms, half_ms, threads=threads), **changes)  # type: ignore[arg-type]
    return Trial(setting=setting(threads), measurement=figure, round_number=1)


def fates(trials: tuple[Trial, ...]) -> dict[int, Fate]:
    return {each.setting.threads: each.fate for each in trials}


def test_threads_double_up_to_the_cores_of_each_choice() -> None:
    found = settings_of(PHONE, (Runtime.PADDLELITE,), (Precision.FP32,))
    threads = {
        choice: [each.threads for each in found if each.cores.choice is choice]
        for choice in (CoreChoice.ALL, CoreChoice.BIG, CoreChoice.LITTLE)
    }
    assert threads == {
        CoreChoice.ALL: [1, 2, 4, 8],
        CoreChoice.BIG: [1, 2],
        CoreChoice.LITTLE: [1, 2, 4, 6],
    }


def test_only_threads_that_wait_for_others_may_sleep() -> None:
    found = settings_of(PHONE, (Runtime.ONNXRUNTIME,), (Precision.FP32,), threads=(1, 2))
    sleeping = [each for each in found if each.onnxruntime and not each.onnxruntime.spinning]
    assert {each.threads for each in sleeping} == {2}


def test_sweeps_measure_each_setting_once_and_no_other() -> None:
    found = settings_of(PHONE, (), (Precision.FP32, Precision.FP16))
    planned = [
        Setting(
            runtime=spec.runtimes[0],
            threads=threads,
            precision=spec.precisions[0],
            cores=spec.cores,
            onnxruntime=spec.onnxruntime,
        )
        for spec, _ in sweeps_of(asked_by("--models", "A"), found, ROUNDS[0])
        for threads in spec.threads
    ]
    assert sorted(map(str, planned)) == sorted(map(str, found))
    assert len(set(planned)) == len(planned)


def test_what_lies_wholly_above_another_has_lost() -> None:
    trials = judged((trial(1, 9, 0.5), trial(2, 5, 0.5), trial(4, 5.6, 0.5)), ())
    assert fates(trials) == {1: Fate.LOST, 2: Fate.RUNNING, 4: Fate.RUNNING}
    assert fates(concluded(trials)) == {1: Fate.LOST, 2: Fate.BEST, 4: Fate.TIED}


def test_a_disturbed_figure_stops_nobody_and_is_not_stopped() -> None:
    disturbed = trial(1, 2, 0.1, verdict=Verdict.DISTURBED)
    slow = trial(2, 50, 0.1, verdict=Verdict.THROTTLED)
    trials = judged((disturbed, slow, trial(4, 9, 0.5)), ())
    assert set(fates(trials).values()) == {Fate.RUNNING}


def test_beyond_a_limit_nothing_is_the_best_however_fast() -> None:
    light = MemoryFigures(peak_rss_bytes=10, baseline_rss_bytes=5)
    limit = Limit(criterion=Criterion.MEMORY, bound=Bound.AT_MOST, value=1_000)
    trials = judged((trial(1, 2, 0.1), trial(2, 9, 0.1, memory=light)), (limit,))
    assert fates(concluded(trials)) == {1: Fate.BEYOND_LIMIT, 2: Fate.BEST}


def test_without_a_figure_a_setting_has_failed_with_its_reasons() -> None:
    trials = (Trial(setting=setting(1)), Trial(setting=setting(2)))
    found = measured(trials, [(setting(1), failed("A")), (setting(2), None)], round_number=1)
    assert fates(found) == {1: Fate.FAILED, 2: Fate.FAILED}
    assert found[0].reasons
    assert concluded(judged(found, ()))[0].fate is Fate.FAILED


@given(
    st.lists(st.tuples(st.floats(1, 100), st.floats(0, 0.5)), min_size=1, max_size=12),
)
def test_the_fastest_is_never_stopped_and_is_the_best(
    figures: list[tuple[float, float]],
) -> None:
    trials = tuple(
        trial(at, median, median * half) for at, (median, half) in enumerate(figures, start=1)
    )
    told = concluded(judged(trials, ()))
    least = min(median for median, _ in figures)
    best = told[0]
    assert best.fate is Fate.BEST
    assert best.measurement is not None
    assert best.measurement.latency is not None
    assert best.measurement.latency.median_ms == least


def test_what_has_no_weights_is_not_tried_in_other_settings() -> None:
    missing, other = reason(ReasonCode.WEIGHTS_UNAVAILABLE), reason(ReasonCode.NO_ARTIFACT)
    assert is_without_weights([_ended(missing), _ended(missing)])
    assert not is_without_weights([_ended(missing), _ended(other)])
    assert not is_without_weights([_ended()])
    assert not is_without_weights([])


def _ended(*reasons: Reason) -> JobOutcome:
    return JobOutcome(
        job_id="1",
        device="phone",
        backbone="Net",
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        weights=WeightsKind.PRETRAINED,
        precision=Precision.FP32,
        input_size=ImageSize(224, 224),
        batch=1,
        verdict=Verdict.FAILED,
        reasons=reasons,
    )
