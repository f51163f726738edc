"""What a file may claim to have measured is what an agent may report, and no more."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.measurements.imports import ImportHeader
from controller.own import measurements as own
from controller.own.measurements import Importing
from controller.state.database import Database, open_database
from controller.state.devices import enrol
from controller.state.measurements import list_measurements
from controller.state.measurements.pages import list_newest
from controller.state.rounds.counts import count_anew, read_counts
from controller.state.schema import measurements, sweeps
from protos.device import DeviceProfile, DeviceState
from protos.fleet import Hello
from protos.inputs import NetworkInput, square
from protos.measuring import AveragedRuns, MeasureSettings, OutputCheck, PacedSamples, Repetition
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.measured import repetition_of
from tests.unit.controller.samples.measurements import measurement as measured

HEADER = ImportHeader(origin="lab-b", file_name="lab-b.jsonl", file_sha256="5f" * 32)
SETTINGS = MeasureSettings(
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    relative_half_width=0.02,
    time_budget_ms=1_000,
    takes=NetworkInput(size=square(224)),
    input_seed=7,
)
TAKEN = repetition_of((5_000_000, 5_010_000, 5_020_000))
SOUND = replace(
    measured("MobileNetV1"),
    artifact_sha256="a7" * 32,
    weights_digest="d0" * 32,
    artifact_size_bytes=1_000,
    output_tolerance=1e-4,
    repetitions_wanted=2,
    settings=SETTINGS,
    repetitions=(TAKEN, TAKEN),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all: what is refused leaves nothing."""
    state_dir = tmp_path_factory.mktemp("state")
    opened = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
    yield opened
    opened.close()


def _import(database: Database, measurement: Measurement) -> int:
    importing = Importing(database, HEADER, "")
    importing.take([measurement], now_unix_ms=1_000)
    return importing.done().added_count


def _with(**changes: object) -> Measurement:
    taken: Repetition = replace(TAKEN, **changes)  # type: ignore[arg-type]
    return replace(SOUND, repetitions=(TAKEN, taken))


def _asking(**changes: object) -> Measurement:
    settings: MeasureSettings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return replace(SOUND, settings=settings)


def test_what_an_agent_may_report_is_taken_in_once(database: Database) -> None:
    assert (_import(database, SOUND), _import(database, SOUND)) == (1, 0)
    [found] = list_measurements(database, MeasurementFilter())
    assert found.verdict in (Verdict.OK, Verdict.WIDE)


@pytest.mark.parametrize(
    "measurement",
    [
        # Numbers that nothing here has room for, and years that no calendar has.
        _with(pss_bytes=2**63),
        _with(busy_threads=2**31),
        _with(after=DeviceState(taken_at_unix_ms=2**53)),
        replace(SOUND, measured_at_unix_ms=2**52),
        replace(SOUND, repetitions_wanted=2**31),
        replace(SOUND, threads=257, settings=replace(SETTINGS, threads=257)),
        # Parts that are not of the whole.
        _with(samples_per_minute=(1, 1)),
        _with(averaged=AveragedRuns(run_count=9, shortest_ns=1, longest_ns=9_000_000)),
        _with(paced=PacedSamples(latency_ns=(1,), delay_ns=(1,))),
        _asking(paced_fps=30.0),
        # Outputs that are of another network.
        _with(
            output_check=OutputCheck(
                input_count=4, max_relative_difference=0.5, l2_relative_difference=0.5
            )
        ),
        # What was asked for decides on the verdict.
        _asking(relative_half_width=1e9),
        _asking(relative_half_width=-1.0),
        _asking(time_budget_ms=2**40),
        _asking(profile_runs=1),
        # Reasons are told wherever it is ranked.
        _with(started_unready=reason(ReasonCode.CRASHED)),
        replace(SOUND, reasons=(reason(ReasonCode.CLOCK_SET),) * 1_000),
        replace(SOUND, reasons=(reason(ReasonCode.CLOCK_SET, {"detail": "x" * 20_000}),)),
    ],
)
def test_what_no_agent_may_report_is_refused(measurement: Measurement, database: Database) -> None:
    with pytest.raises(EdgerankError) as refused:
        _import(database, measurement)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert len(list_measurements(database, MeasurementFilter())) <= 1


def _later(at_unix_ms: int, median_ns: int = 5_000_000) -> Measurement:
    taken = repetition_of((median_ns, median_ns + 10_000, median_ns + 20_000))
    return replace(SOUND, measured_at_unix_ms=at_unix_ms, repetitions=(taken, taken))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    yield opened
    opened.close()


@given(order=st.permutations((100, 200, 300, 400)), cut=st.integers(0, 4))
@settings(max_examples=6)
def test_the_newest_is_what_was_measured_last_in_whichever_order_and_groups_files_come(
    order: list[int], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("state") / "controller.sqlite"
    opened = open_database(f"sqlite:///{path}")
    importing = Importing(opened, HEADER, "")
    for group in (order[:cut], order[cut:]):
        importing.take([_later(at, at * 10_000) for at in group], now_unix_ms=1_000)
    assert importing.done().added_count == 4
    newest = list_newest(opened, MeasurementFilter())
    assert [each.measured_at_unix_ms for each in newest] == [400]
    moments = [each.measured_at_unix_ms for each in list_measurements(opened, MeasurementFilter())]
    assert moments == [100, 200, 300, 400]
    opened.close()


def test_of_what_is_known_no_figures_are_derived_again(
    fresh: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(fresh, _later(1))
    derived = []
    monkeypatch.setattr(own, "conclude", lambda *told, **_: derived.append(told))
    assert _import(fresh, _later(1)) == 0
    assert derived == []


def test_of_the_same_content_in_a_group_the_first_is_kept_with_figures_of_its_own(
    fresh: Database,
) -> None:
    narrow = replace(_later(1), settings=replace(SETTINGS, relative_half_width=1e-6))
    importing = Importing(fresh, HEADER, "")
    importing.take([narrow, _later(1)], now_unix_ms=1_000)
    assert (importing.done().added_count, importing.done().known_count) == (1, 1)
    [found] = list_measurements(fresh, MeasurementFilter())
    assert found.verdict is Verdict.WIDE


def test_a_group_of_several_devices_has_those_before_one_whose_name_is_taken(
    fresh: Database,
) -> None:
    taken = Hello(
        device_id="b", name="b.lab-b", labels={}, profile=DeviceProfile(architecture="aarch64")
    )
    enrol(fresh, taken, now_unix_ms=0)
    importing = Importing(fresh, HEADER, "")
    group = [replace(_later(at), device=name) for at, name in enumerate(("a", "a", "b", "a"), 1)]
    with pytest.raises(EdgerankError) as refused:
        importing.take(group, now_unix_ms=1_000)
    assert refused.value.code is ErrorCode.NAME_TAKEN
    done = importing.done()
    assert (done.added_count, done.devices) == (2, ("a.lab-b",))


def test_a_moment_that_is_to_come_makes_nothing_newer_than_now(fresh: Database) -> None:
    _import(fresh, _later(10**12))
    with fresh.transaction() as transaction:
        [committed] = transaction.scalars(select(measurements.c.committed_at_unix_ms))
    assert committed == 1_000


def test_however_much_has_one_moment_each_is_known_by_its_content(fresh: Database) -> None:
    importing = Importing(fresh, HEADER, "")
    for number in range(8):
        importing.take([_later(500, 5_000_000 + number)], now_unix_ms=1_000)
    again = Importing(fresh, HEADER, "")
    for number in range(9):
        again.take([_later(500, 5_000_000 + number)], now_unix_ms=1_000)
    assert (importing.done().added_count, again.done().known_count) == (8, 8)
    assert again.done().added_count == 1


def test_what_is_counted_in_step_is_what_counting_anew_gives(fresh: Database) -> None:
    importing = Importing(fresh, HEADER, "")
    for number, backbone in enumerate(("MobileNetV1", "MobileNetV2", "MobileNetV1")):
        importing.take([replace(_later(number + 1), backbone=backbone)], now_unix_ms=1_000)
    with fresh.transaction() as transaction:
        [sweep_id] = transaction.scalars(select(sweeps.c.sweep_id))
    before = read_counts(fresh, sweep_id)
    with fresh.writing() as transaction:
        count_anew(transaction, sweep_id)
    assert read_counts(fresh, sweep_id) == before
    assert (before.jobs_ended, before.variants, before.outcomes) == (3, 2, 3)


def test_those_before_one_that_cannot_be_come_in_with_their_group(fresh: Database) -> None:
    importing = Importing(fresh, HEADER, "")
    group = [_later(1), _later(2), _later(1), replace(_later(3), threads=0), _later(4)]
    with pytest.raises(EdgerankError) as refused:
        importing.take(group, now_unix_ms=1_000)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert (importing.done().added_count, importing.done().known_count) == (2, 1)
    with fresh.transaction() as transaction:
        assert len(transaction.scalars(select(measurements.c.job_id)).all()) == 2
