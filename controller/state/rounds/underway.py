"""Jobs that are being measured: what their repetitions tell so far, and those that just ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, RowMapping, and_, exists, func, select

from controller.domain.jobs import JobOutcome, JobState, TurnState
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.measurements.outcomes import outcome_of
from controller.figures.spread import UNKNOWN, Spread
from controller.state.database import Database, Transaction
from controller.state.measurements import Conclusion, beside_accuracy, measurement_of
from controller.state.rounds.courses import Place, known_spread
from controller.state.rounds.repetitions import TakenRepetition, list_taken
from controller.state.rounds.wanted import are_wanted
from controller.state.schema import artifacts, devices, jobs, measurements, sweeps, turns
from controller.state.schema.columns import Unreadable
from controller.state.schema.unreadable import readable
from models.catalog.catalog import IMAGENET
from protos.measuring import MeasureSettings
from protos.reasons import Reason

MOST_CHANGED: Final = 200
"""So many turns a look are told of: the others' jobs are, when they have their next one."""


@dataclass(frozen=True, kw_only=True)
class Underway:
    """The repetitions of a job that has not ended.

    Attributes:
        taken: at least one, in order.
        settings: what they were told.
        spread: of the processes of the sweep's jobs on the device, and of earlier sweeps there.
    """

    taken: Sequence[TakenRepetition]
    settings: MeasureSettings
    spread: Spread


def list_underway(
    database: Database, wanted: MeasurementFilter, conclude: Callable[[Underway], Conclusion]
) -> list[Measurement]:
    """What can be said of the jobs that are being measured, in their order.

    Jobs without any repetition are none of them. A measurement's id is that of its job, until the
    job ends.

    Args:
        database: the controller's.
        wanted: which jobs; samples are left out.
        conclude: derives figures and verdict.
    """
    is_begun = exists().where(turns.c.job_id == jobs.c.job_id, turns.c.state == TurnState.TAKEN)
    with database.transaction() as transaction:
        found = _so_far(
            transaction, wanted.accuracy_dataset, [is_begun, *are_wanted(wanted)], conclude
        )
    return [measurement for measurement, _ in found]


def list_changed(
    database: Database,
    sweep_id: str,
    conclude: Callable[[Underway], Conclusion],
    *,
    after: int,
    until: int,
) -> list[JobOutcome]:
    """What can be said of the jobs of a sweep that are being measured and have one turn more.

    Args:
        database: the controller's.
        sweep_id: whose jobs.
        conclude: derives figures and verdict.
        after: number of the last turn taken that is known already.
        until: number of the last one that is wanted; of many only the last are looked at.
    """
    is_one_more = and_(
        turns.c.sweep_id == sweep_id,
        turns.c.taken_number > max(after, until - MOST_CHANGED),
        turns.c.taken_number <= until,
    )
    with database.transaction() as transaction:
        changed = select(turns.c.job_id).where(is_one_more)
        found = _so_far(transaction, IMAGENET, [jobs.c.job_id.in_(changed)], conclude)
    return [outcome_of(measurement, is_sentinel=is_one) for measurement, is_one in found]


def _so_far(
    transaction: Transaction,
    dataset: str,
    are_these: Sequence[ColumnElement[bool]],
    conclude: Callable[[Underway], Conclusion],
) -> list[tuple[Measurement, bool]]:
    """Measurements of jobs that go on, in their order, and whether each is a sentinel's."""
    query = (
        beside_accuracy(dataset)
        .add_columns(jobs.c.device_id)
        .where(jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]), *are_these)
        .order_by(jobs.c.position)
    )
    spreads: dict[Place, Spread] = {}

    def so_far(row: RowMapping) -> tuple[Measurement, bool] | None:
        taken = list_taken(transaction, row["job_id"])
        # A profile has turns and no repetitions.
        if not taken:
            return None
        place = Place(sweep_id=row["sweep_id"], device_id=row["device_id"])
        if place not in spreads:
            spreads[place] = known_spread(transaction, place) or UNKNOWN
        job = Underway(taken=taken, settings=row["settings"], spread=spreads[place])
        measurement = measurement_of(row, conclude(job), dataset, measurement_id=row["job_id"])
        return measurement, row["is_sentinel"]

    rows = transaction.execute(query).mappings().all()
    found = list(readable("job", "job_id", rows, so_far))
    return [each for each in found if each is not None]


@dataclass(frozen=True, kw_only=True)
class EndedJob:
    """When a job that has an outcome began and ended, by the controller's clock.

    Attributes:
        job_id: which one.
        sweep_id: its sweep.
        device: its name.
        backbone: its name.
        verdict: how it ended.
        reasons: for that; empty where they cannot be read.
        started_at_unix_ms: when its sweep was started.
        ended_at_unix_ms: when its outcome was committed.
        converted_at_unix_ms: when its artifact was made; 0 without any.
        converting_s: what its steps took then, s.
    """

    job_id: str
    sweep_id: str
    device: str
    backbone: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    started_at_unix_ms: int
    ended_at_unix_ms: int
    converted_at_unix_ms: int
    converting_s: float

    @property
    def is_failed(self) -> bool:
        """Whether it gave no figures."""
        return self.verdict is Verdict.FAILED

    @property
    def is_converted_for_it(self) -> bool:
        """Whether its artifact was made between its sweep's start and its own end."""
        return self.started_at_unix_ms <= self.converted_at_unix_ms <= self.ended_at_unix_ms


def ended_since(database: Database, unix_ms: int) -> list[EndedJob]:
    """The jobs that ended at this time or later, in the order in which they did."""
    query = (
        select(
            measurements.c.job_id,
            measurements.c.sweep_id,
            devices.c.name.label("device"),
            jobs.c.backbone,
            measurements.c.verdict,
            measurements.c.reasons,
            sweeps.c.created_at_unix_ms.label("started_at_unix_ms"),
            measurements.c.committed_at_unix_ms.label("ended_at_unix_ms"),
            func.coalesce(artifacts.c.created_at_unix_ms, 0).label("converted_at_unix_ms"),
            func.coalesce(artifacts.c.seconds, 0.0).label("converting_s"),
        )
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(sweeps, sweeps.c.sweep_id == measurements.c.sweep_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(measurements.c.committed_at_unix_ms >= unix_ms)
        .order_by(measurements.c.committed_at_unix_ms)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
    return [_ended_job(row) for row in rows if not isinstance(row["verdict"], Unreadable)]


def _ended_job(row: RowMapping) -> EndedJob:
    reasons = () if isinstance(row["reasons"], Unreadable) else row["reasons"]
    return EndedJob(**{**row, "reasons": reasons})
