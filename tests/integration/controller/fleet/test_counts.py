"""What is kept in step is what looking at every row gives, after any history."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Row, select

from controller.access.callers import OWNER
from controller.domain.jobs import ENDED, AttemptState, JobState, TurnState
from controller.figures.spread import Spread
from controller.fleet.leasing.giving_back import take_back
from controller.fleet.leasing.losing import lose_attempt
from controller.fleet.leaving import leave_out
from controller.fleet.rounds.concluding import conclude_so_far
from controller.state import attempts, jobs
from controller.state.database import Database, Transaction
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import count_anew, read_counts
from controller.state.rounds.courses import Place, read_course
from controller.state.rounds.underway import list_changed
from controller.state.schema import attempts as attempts_table
from controller.state.schema import courses, turns
from controller.state.schema import jobs as jobs_table
from controller.state.sweeps import running_sweeps
from protos.fleet import Lease, Report
from tests.integration.controller.conftest import start_sweep, store_artifact
from tests.integration.controller.domain_samples import failed_report, measured_report
from tests.integration.controller.test_state_of_turns import not_ready_report
from tests.measured import record_report
from tests.processes.states import begun_database

DEVICES = ("phone", "board")
# What may become of a lease, and what people may do meanwhile.
STEPS = (
    *("measured", "measured", "measured", "failed", "not ready", "lost", "given back", "cancel"),
    # A file is damaged while an attempt is out, which ends as the next word says; all are made.
    *("damaged, measured", "damaged, lost", "damaged, given back", "made", "made"),
)
steps = st.lists(
    st.tuples(st.sampled_from(DEVICES), st.sampled_from(STEPS), st.integers(4_000, 6_000)),
    max_size=60,
)


# Thousands of commits would each wait for a disk, and none of these tests is about a power cut.
MEMORY = Path("/dev/shm")


@contextmanager
def a_database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        database = begun_database(Path(folder))
        yield database
        database.close()


def step(database: Database, device: str, what: str, latency_us: int, at: int) -> None:
    """Takes the device's next lease and lets it end so."""
    device_id = f"id-of-{device}"
    if what == "made":
        make_all(database)
        return
    expected = next_of_all(database, device_id)
    assert attempts.has_next(database, device_id) is (expected is not None)
    lease = attempts.lease_next(database, device_id, at)
    assert expected == (lease and (lease.job_id, lease.ordinal))
    if lease is None:
        return
    if what.startswith("damaged, "):
        jobs.wait_again(database, lease.artifact_sha256)
        what = what.partition(", ")[2]
    if what == "lost":
        lose_attempt(database, lease.attempt_id, at)
    elif what == "given back":
        take_back(database, lease.attempt_id, at)
    elif what == "cancel":
        jobs.cancel_jobs_of_device(database, device_id)
    else:
        record_report(database, device_id, report_of(lease, what, latency_us), at)


def make_all(database: Database) -> None:
    """Makes every file that a job waits for."""
    for sweep in running_sweeps(database):
        for role in jobs.Role:
            for variant in jobs.waiting_variants(database, sweep.sweep_id, role):
                key = store_artifact(database, variant)
                jobs.queue_jobs(database, sweep.sweep_id, role, variant, key)


def report_of(lease: Lease, what: str, latency_us: int) -> Report:
    if what == "failed":
        return failed_report(lease.attempt_id, lease.job_id)
    if what == "not ready":
        return not_ready_report(lease.attempt_id, lease.job_id)
    return measured_report(lease.attempt_id, lease.job_id, latency_us * 1_000)


def next_of_all(database: Database, device_id: str) -> tuple[str, int] | None:
    """Job and ordinal of the turn that is next among all of the device's."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(turns, jobs_table.c.state.label("job_state"), jobs_table.c.is_sentinel)
            .join(jobs_table, jobs_table.c.job_id == turns.c.job_id)
            .where(turns.c.device_id == device_id)
            # These sweeps began at the same time.
            .order_by(turns.c.sweep_id, turns.c.place)
        ).all()
    by_sweep = groupby(rows, key=attrgetter("sweep_id"))
    nexts = (next_of_sweep(list(of_sweep)) for _, of_sweep in by_sweep)
    return next((each for each in nexts if each is not None), None)


def next_of_sweep(rows: Sequence[Row[Any]]) -> tuple[str, int] | None:
    """Of a sweep's turns in their places the first that can be leased, none of a later round."""
    waiting = next((row for row in rows if row.state is TurnState.WAITING), None)
    for row in rows:
        if (row.state, row.job_state) != (TurnState.QUEUED, JobState.QUEUED):
            continue
        if waiting is None or row.place < waiting.place:
            return row.job_id, row.ordinal
        if waiting.is_sentinel:
            return None
        if not row.is_sentinel:
            return (row.job_id, row.ordinal) if row.ordinal <= waiting.ordinal else None
    return None


def check_counts(database: Database, sweep_id: str) -> None:
    kept = read_counts(database, sweep_id)
    with database.writing() as transaction:
        count_anew(transaction, sweep_id)
    assert read_counts(database, sweep_id) == kept
    assert len(list_outcomes(database, sweep_id)) == kept.outcomes
    assert list_outcomes(database, sweep_id, after=1) == list_outcomes(database, sweep_id)[1:]


def list_waiting(transaction: Transaction, place: Place) -> Sequence[Row[Any]]:
    """The jobs of a sweep on a device that wait for their files."""
    return transaction.execute(
        select(jobs_table.c.job_id).where(
            jobs_table.c.device_id == place.device_id,
            jobs_table.c.sweep_id == place.sweep_id,
            jobs_table.c.state == JobState.WAITING,
        )
    ).all()


def check_course(transaction: Transaction, place: Place) -> None:
    """How a sweep stands is what all rows of its device add up to."""
    rows = transaction.execute(select(courses).where(courses.c.device_id == place.device_id)).all()
    others = [row for row in rows if row.sweep_id != place.sweep_id]
    (own,) = (row for row in rows if row.sweep_id == place.sweep_id)
    stored = read_course(transaction, place)
    assert stored.spread == Spread(squares=own.squares, degrees=own.degrees)
    assert stored.history.degrees == sum(row.degrees for row in others)
    assert stored.history.squares == pytest.approx(sum(row.squares for row in others), abs=1e-12)
    its = transaction.execute(
        select(turns).where(
            turns.c.device_id == place.device_id, turns.c.sweep_id == place.sweep_id
        )
    ).all()
    taken = [row for row in its if row.state is TurnState.TAKEN]
    assert own.reading_count == sum(row.job_id == own.sentinel_id for row in taken)
    assert sorted(row.place for row in its) == list(range(own.turn_count))
    waits = {row.job_id for row in list_waiting(transaction, place)}
    for row in its:
        if row.state in (TurnState.WAITING, TurnState.QUEUED):
            assert (row.state is TurnState.WAITING) is (row.job_id in waits)
    states = transaction.execute(
        select(jobs_table.c.is_sentinel, jobs_table.c.state).where(
            jobs_table.c.device_id == place.device_id, jobs_table.c.sweep_id == place.sweep_id
        )
    ).all()
    is_open = any(not row.is_sentinel and row.state not in ENDED for row in states)
    assert jobs.has_open_candidates(transaction, place) is is_open


@given(steps, st.booleans())
@settings(max_examples=30)
def test_after_any_history_what_is_kept_is_what_every_row_tells(
    history: list[tuple[str, str, int]], sentinel: bool
) -> None:
    with a_database() as database:
        begun = [
            (start_sweep(database, device, (1, 2), (2, 4), sentinel=sentinel), device)
            for device in DEVICES * 2
        ]
        for at, (device, what, latency_us) in enumerate(history):
            step(database, device, what, latency_us, at)
            with database.transaction() as transaction:
                for sweep_id, of_device in begun:
                    check_course(
                        transaction, Place(sweep_id=sweep_id, device_id=f"id-of-{of_device}")
                    )
        for sweep_id, _ in begun:
            check_counts(database, sweep_id)
        with database.transaction() as transaction:
            out = transaction.execute(select(attempts_table)).all()
        by_row = {row.attempt_id: row.device_id for row in out if row.state is AttemptState.LEASED}
        assert attempts.leased_attempts(database) == by_row


def test_variants_that_no_job_waits_for_any_more_are_counted(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), batches=(1, 2, 3))
    counts = read_counts(database, sweep_id)
    assert (counts.variants, counts.variants_waiting) == (3, 0)
    check_counts(database, sweep_id)


def test_a_device_that_is_forgotten_takes_its_part_of_the_counts_along(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    other_id = start_sweep(database, "board")
    step(database, "phone", "measured", 5_000, 1)
    leave_out(database, "id-of-phone", OWNER, 2, with_measurements=True)
    assert read_counts(database, other_id).jobs
    check_counts(database, other_id)
    with database.transaction() as transaction:
        left = transaction.execute(
            select(courses.c.device_id).where(courses.c.sweep_id == sweep_id)
        ).all()
    assert left == []


def test_who_follows_hears_of_figures_though_a_device_is_forgotten(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=3, also=("board",))
    for device in DEVICES:
        step(database, device, "measured", 5_000, 1)
    known = read_counts(database, sweep_id)
    leave_out(database, "id-of-phone", OWNER, 2, with_measurements=True)
    assert read_counts(database, sweep_id).turns_taken == 1
    step(database, "board", "measured", 5_000, 3)
    reached = read_counts(database, sweep_id)
    assert reached.turns_taken == 2
    told = list_changed(
        database, sweep_id, conclude_so_far, after=known.takings, until=reached.takings
    )
    assert [outcome.device for outcome in told] == ["board"]
