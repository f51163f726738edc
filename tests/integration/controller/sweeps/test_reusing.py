"""What was measured alike before is not measured again: it is the new sweep's by reference."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from controller.conversions.converter import Converter
from controller.conversions.stored import Shelf
from controller.domain.devices import Device
from controller.domain.measurements import MeasurementFilter, Verdict
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.domain.sweeps.races import Race
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.rounds.settling import settle_sweep
from controller.state import attempts, jobs
from controller.state.blobs import open_blobs, put_blob
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.devices.forgetting import forget
from controller.state.measurements import list_measurements
from controller.state.sweeps import end_finished, list_sweeps, set_phase
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.prospects.prospect import Prospect
from controller.sweeps.starting import Before, create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import WeightsKind
from models.weights.weights import Weights, weights_at_hand
from protos.reasons import ReasonCode
from protos.runtimes import Runtime, RuntimeInfo
from tests.integration.controller.conftest import (
    REFERENCE,
    OwnedClock,
    start_sweep,
    store_artifact,
)
from tests.integration.controller.domain_samples import SPEC, hello, measured_report
from tests.integration.controller.sweeps.races.leases import measure_leases
from tests.measured import record_report

CATALOG = load_catalog()
PHONE = "id-of-phone"
DAY_MS = 86_400_000
ASKED = replace(
    SPEC,
    devices=("phone",),
    threads=(1, 2),
    fewest_repetitions=2,
    most_repetitions=2,
    relative_half_width=0.5,
)

# Two threads are as accurate and win, one leaves.
RACE = replace(
    ASKED,
    fewest_repetitions=1,
    most_repetitions=10,
    relative_half_width=0.02,
    time_ms=60_000,
    race=Race(max_latency_ms=10_000),
)


@pytest.fixture
def planner(database: Database, tmp_path: Path) -> Planner:
    return Planner(Shelf(database, open_blobs(tmp_path), tmp_path / "weights"), CATALOG)


def devices(database: Database) -> tuple[Device, ...]:
    return list_devices(database, connected=frozenset({PHONE}))


def prospect(database: Database, planner: Planner, spec: SweepSpec = ASKED) -> Prospect:
    return planner.prospect(spec, devices(database))


def weights() -> Weights:
    """The synthetic weights of the one backbone, as a conversion takes them."""
    found = weights_at_hand(CATALOG.get("MobileNetV1"), WeightsKind.SYNTHETIC, Path("none"))
    assert found is not None
    return found


def measured(database: Database, spec: SweepSpec = ASKED) -> str:
    """A sweep of the phone whose jobs were all measured, each repetition taking 1 s; its id."""
    sweep_id = start_sweep(
        database,
        "phone",
        threads=spec.threads,
        repetitions=spec.fewest_repetitions,
        made_of=weights(),
        relative_half_width=spec.relative_half_width,
        sentinel=spec.sentinel,
    )
    work_off(database)
    return sweep_id


def work_off(database: Database, turn_ms: int = 1_000) -> None:
    """Measures all that waits, each repetition taking so long, and ends its sweeps."""
    now_ms = 0
    while (leased := attempts.lease_next(database, PHONE, now_ms)) is not None:
        report = measured_report(leased.attempt_id, leased.job_id)
        ended_ms = report.started_at_unix_ms + turn_ms
        now_ms += turn_ms
        assert record_report(database, PHONE, replace(report, ended_at_unix_ms=ended_ms), now_ms)
    end_finished(database, now_ms)


def make_ready(database: Database, sweep_id: str) -> None:
    """Gives the jobs of a sweep their artifacts, and lets it be measured."""
    for variant in jobs.waiting_variants(database, sweep_id, jobs.Role.CANDIDATE):
        key = store_artifact(database, variant, weights())
        jobs.queue_jobs(database, sweep_id, jobs.Role.CANDIDATE, variant, key)
    set_phase(database, sweep_id, SweepPhase.MEASURING, now_unix_ms=0)


def started(database: Database, planner: Planner, spec: SweepSpec = ASKED) -> str:
    """A sweep that was planned beside what there is; its id."""
    found = prospect(database, planner, spec)
    before = Before(
        expected_ms=planner.expected_ms(spec, found),
        reused=[figure.job_id for figure in found.reused],
        continued={job: figure.job_id for job, figure in found.continued.items()},
    )
    return create_sweep(database, spec, found.to_measure, 1, before)


def test_what_was_measured_is_no_job_and_its_figures_are_the_sweeps(
    database: Database, planner: Planner
) -> None:
    first = measured(database)
    more = replace(ASKED, threads=(1, 2, 4))
    found = prospect(database, planner, more)
    assert [job.settings.threads for job in found.to_measure] == [4]
    second = started(database, planner, more)
    figures = list_measurements(database, MeasurementFilter(sweep_id=second))
    # Each tells the sweep that it was measured in.
    assert {(each.threads, each.sweep_id) for each in figures} == {(1, first), (2, first)}
    summaries = {each.sweep_id: each for each in list_sweeps(database)}
    assert (summaries[second].jobs_total, summaries[second].jobs_measured_before) == (1, 2)
    assert summaries[first].jobs_measured_before == 0


def test_a_sweep_of_nothing_new_has_no_jobs_and_ends(database: Database, planner: Planner) -> None:
    measured(database)
    sweep_id = started(database, planner)
    assert attempts.lease_next(database, PHONE, now_unix_ms=0) is None
    (figure, other) = list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
    assert figure.sweep_id == other.sweep_id != sweep_id


async def test_a_sweep_of_nothing_new_is_started_and_has_ended(
    database: Database,
    planner: Planner,
    fleet: Fleet,
    changes: Changes,
    *,
    clock: OwnedClock,
    tmp_path: Path,
) -> None:
    measured(database)
    blobs = open_blobs(tmp_path)
    converter = Converter(database, blobs, tmp_path, CATALOG, fleet.gate, clock=clock)
    sweeps = Sweeps(database, CATALOG, fleet, converter, changes, planner=planner, clock=clock)
    begun = await sweeps.start(ASKED)
    assert (begun.job_count, begun.measured_before) == (0, 2)
    *_, last = [snapshot async for snapshot in sweeps.watch(begun.sweep_id)]
    assert (last.phase, last.jobs_total, last.artifacts_total) == (SweepPhase.ENDED, 0, 0)
    await sweeps.close()
    converter.close()


def test_fresh_measures_all_of_it_again(database: Database, planner: Planner) -> None:
    measured(database)
    assert prospect(database, planner).to_measure == ()
    found = prospect(database, planner, replace(ASKED, fresh=True))
    assert (len(found.to_measure), found.reused) == (2, ())


def raced(database: Database, spec: SweepSpec, *, one_ms: float, two_ms: float) -> str:
    """A race of the phone, in which one thread and two take so long; its id."""
    store_catalog(database, CATALOG)
    asked = {name: getattr(spec, name) for name in ("race", "time_ms", "relative_half_width")}
    repetitions = (spec.fewest_repetitions, spec.most_repetitions)
    sweep_id = start_sweep(database, "phone", (1, 2), repetitions, made_of=weights(), **asked)
    race_on(database, {1: one_ms, 2: two_ms})
    return sweep_id


def race_on(database: Database, latency_ms: Mapping[int, float], now_ms: int = 0) -> Counter[int]:
    """Measures what a race asks for, by threads, until it ends; gives the processes of each."""
    leases = measure_leases(
        database, PHONE, lambda lease, _: latency_ms[lease.settings.threads], now_ms
    )
    return Counter(lease.settings.threads for lease in leases)


def verdicts(database: Database, sweep_id: str) -> dict[int, tuple[Verdict, set[ReasonCode]]]:
    """What became of each number of threads, and why."""
    found = list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
    return {each.threads: (each.verdict, {r.code for r in each.reasons}) for each in found}


def test_the_same_race_measures_nothing_again(database: Database, planner: Planner) -> None:
    first = raced(database, RACE, one_ms=8, two_ms=4)
    found = verdicts(database, first)
    assert ReasonCode.LOST_RACE in found[1][1]
    assert {verdict for verdict, _ in found.values()} <= {Verdict.OK, Verdict.WIDE}
    assert prospect(database, planner, RACE).to_measure == ()
    for time_ms in (30_000, 120_000, None):
        assert prospect(database, planner, replace(RACE, time_ms=time_ms)).to_measure == ()


def test_a_race_of_another_question_takes_no_figure_of_one_process(
    database: Database, planner: Planner
) -> None:
    raced(database, RACE, one_ms=8, two_ms=4)
    # Of one process, however alike its inferences were.
    other = replace(RACE, race=Race(max_latency_ms=6))
    assert 1 in {job.settings.threads for job in prospect(database, planner, other).to_measure}
    surer = replace(RACE, race=replace(RACE.race or Race(), confidence=0.99))
    assert prospect(database, planner, surer).to_measure


def test_a_race_that_its_time_ended_measures_who_is_undecided_again(
    database: Database, planner: Planner
) -> None:
    short = replace(RACE, time_ms=2_000)
    found = verdicts(database, raced(database, short, one_ms=4.2, two_ms=4))
    undecided = {n for n, (_, codes) in found.items() if ReasonCode.RACE_UNDECIDED in codes}
    assert undecided
    again = prospect(database, planner, short).to_measure
    assert {job.settings.threads for job in again} == undecided


def test_on_another_day_the_processes_of_who_was_undecided_count_on(
    database: Database, planner: Planner
) -> None:
    close = {1: 4.2, 2: 4.0}
    first = raced(database, replace(RACE, time_ms=2_000), one_ms=close[1], two_ms=close[2])
    before = processes(database, first)
    second = started(database, planner, replace(RACE, time_ms=1_000))
    make_ready(database, second)
    settle_sweep(database, second, DAY_MS)
    taken = race_on(database, close, DAY_MS)
    between = processes(database, second)
    assert between == before + taken
    third = started(database, planner, RACE)
    make_ready(database, third)
    settle_sweep(database, third, 2 * DAY_MS)
    more = race_on(database, close, 2 * DAY_MS)
    assert processes(database, third) == between + more
    assert prospect(database, planner, RACE).to_measure == ()
    forget(database, PHONE)


def processes(database: Database, sweep_id: str) -> Counter[int]:
    """How many processes each figure of a race rests on, by threads."""
    found = list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
    return Counter(
        {each.threads: each.latency.repetition_count for each in found if each.latency is not None}
    )


def test_another_version_of_the_runtime_measures_again(
    database: Database, planner: Planner
) -> None:
    measured(database)
    newer = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.99.0")
    greeting = hello("phone")
    profile = replace(greeting.profile, runtimes=(newer,))
    enrol(database, replace(greeting, profile=profile), now_unix_ms=0)
    assert len(prospect(database, planner).to_measure) == 2


def test_a_sentinel_is_read_where_anything_is_measured_and_else_not(
    database: Database, planner: Planner
) -> None:
    measured(database, replace(ASKED, sentinel=True))
    there = prospect(database, planner, replace(ASKED, sentinel=True))
    assert [job.is_sentinel for job in there.plan.jobs] == [True, False, False]
    assert there.to_measure == ()
    more = prospect(database, planner, replace(ASKED, sentinel=True, threads=(1, 4)))
    assert [job.is_sentinel for job in more.to_measure] == [True, False]


def test_a_device_goes_with_its_figures_and_with_the_sweeps_that_had_no_others(
    database: Database, planner: Planner
) -> None:
    measured(database)
    started(database, planner)
    forget(database, PHONE)
    assert list_sweeps(database) == ()


def test_a_plan_tells_jobs_files_and_time(
    database: Database, planner: Planner, tmp_path: Path
) -> None:
    measured(database)
    spec = replace(ASKED, threads=(1, 4))
    plan = planner.preview(spec, devices(database), with_jobs=True)
    assert (plan.jobs_total, plan.jobs_measured_before) == (2, 1)
    assert [
        (each.device, each.threads, each.jobs_total, each.jobs_measured_before)
        for each in plan.groups
    ] == [("phone", 1, 1, 1), ("phone", 4, 1, 0)]
    (figure,) = [
        each for each in list_measurements(database, MeasurementFilter()) if each.threads == 1
    ]
    assert [job.measurement_id for job in plan.jobs] == [figure.measurement_id, ""]
    # It was made, and is not there any more.
    assert (plan.artifacts_total, plan.artifacts_stored) == (1, 0)
    assert plan.backbones_to_convert == ("MobileNetV1",)
    (estimate,) = plan.estimates
    # Two repetitions of the second that one took.
    assert (estimate.device, estimate.jobs, estimate.known_here) == ("phone", 1, 1)
    assert estimate.expected_ms == 2_000
    assert estimate.earlier_ratio is None
    reference = (REFERENCE.sha256, REFERENCE.size_bytes)
    for sha256, size_bytes in ((figure.artifact_sha256, figure.artifact_size_bytes), reference):
        (tmp_path / "file").write_bytes(b"0" * size_bytes)
        put_blob(open_blobs(tmp_path), sha256, tmp_path / "file")
    there = planner.preview(spec, devices(database), with_jobs=False)
    assert (there.artifacts_stored, there.backbones_to_convert, there.jobs) == (1, (), ())


def test_a_plan_says_how_far_estimates_were_off(database: Database, planner: Planner) -> None:
    measured(database)
    again = replace(ASKED, threads=(1,), fresh=True)
    for turn_ms in (1_000, 3_000):
        sweep_id = started(database, planner, again)
        make_ready(database, sweep_id)
        work_off(database, turn_ms)
    (estimate,) = planner.preview(again, devices(database), with_jobs=False).estimates
    # Expected were 2 s each time, of two repetitions: right once, then a third of what it took.
    assert estimate.earlier_sweeps == 2
    assert estimate.earlier_ratio == pytest.approx(2)
