"""What a sweep gave, the newest first, by pages: however many jobs it has."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.database import Database
from controller.state.measurements import ended, measurements_of
from controller.state.schema import jobs, measurements
from models.catalog.catalog import IMAGENET


@dataclass(frozen=True, kw_only=True)
class OutcomePage:
    """Some of what a sweep's jobs gave, sentinels not among them.

    Attributes:
        measurements: the newest first, without those that cannot be read.
        before: of which outcome the next page holds the older ones; None where there are none.
    """

    measurements: Sequence[Measurement]
    before: int | None


def newest_outcomes(
    database: Database, sweep_id: str, *, before: int | None, count: int
) -> OutcomePage:
    """What a sweep's jobs gave, the newest first.

    Args:
        database: the controller's.
        sweep_id: whose jobs.
        before: the number of an outcome, whose older ones are wanted; None is the newest.
        count: at most so many.
    """
    numbers = (
        select(measurements.c.measurement_id, measurements.c.ordinal)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .where(measurements.c.sweep_id == sweep_id, jobs.c.is_sentinel.is_(False))
        .order_by(measurements.c.ordinal.desc())
        .limit(count + 1)
    )
    if before is not None:
        numbers = numbers.where(measurements.c.ordinal < before)
    with database.transaction() as transaction:
        following = transaction.execute(numbers).all()
        shown = following[:count]
        query = ended(IMAGENET).where(
            measurements.c.measurement_id.in_([each.measurement_id for each in shown])
        )
        rows = transaction.execute(_newest_first(query)).mappings().all() if shown else ()
        found = list(measurements_of(transaction, rows, MeasurementFilter()))
    is_more = len(following) > count
    return OutcomePage(measurements=found, before=shown[-1].ordinal if is_more else None)


def newest_failures(database: Database, sweep_id: str, count: int) -> list[Measurement]:
    """Of what a sweep's jobs gave that has no figures, at most so many: an index finds them."""
    failed = (
        select(jobs.c.job_id)
        .where(
            jobs.c.sweep_id == sweep_id,
            jobs.c.state == JobState.FAILED,
            jobs.c.is_sentinel.is_(False),
        )
        .limit(count)
    )
    query = ended(IMAGENET).where(measurements.c.job_id.in_(failed))
    with database.transaction() as transaction:
        rows = transaction.execute(_newest_first(query)).mappings().all()
        return list(measurements_of(transaction, rows, MeasurementFilter()))


def _newest_first(query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    return query.order_by(measurements.c.ordinal.desc())
