"""What sentinels read on a device: how it was, sweep by sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select

from controller.domain.jobs import TurnState
from controller.state.database import Database
from controller.state.schema import courses, jobs, repetitions, sweeps, turns


@dataclass(frozen=True, kw_only=True)
class SentinelReading:
    """One reading: when it was taken, by the device's clock, and the median of its samples, ms."""

    taken_at_unix_ms: int
    median_ms: float


@dataclass(frozen=True, kw_only=True)
class SentinelCourse:
    """What the sentinel of one sweep read on a device.

    Attributes:
        sweep_id: whose.
        backbone: that was read.
        readings: in their order.
    """

    sweep_id: str
    backbone: str
    readings: Sequence[SentinelReading]


def newest_courses(
    database: Database, device_id: str, *, sweeps_at_most: int, readings_at_most: int
) -> list[SentinelCourse]:
    """The courses of the newest sweeps that read a sentinel on a device, the oldest first.

    Args:
        database: the controller's.
        device_id: which device.
        sweeps_at_most: how many sweeps.
        readings_at_most: how many readings of each, the newest ones.
    """
    newest = (
        select(courses.c.sentinel_id, jobs.c.sweep_id, jobs.c.backbone)
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .join(jobs, jobs.c.job_id == courses.c.sentinel_id)
        .where(courses.c.device_id == device_id, courses.c.reading_count > 0)
        .order_by(sweeps.c.created_at_unix_ms.desc(), sweeps.c.sweep_id)
        .limit(sweeps_at_most)
    )
    of_turn = and_(repetitions.c.job_id == turns.c.job_id, repetitions.c.ordinal == turns.c.ordinal)
    found = []
    with database.transaction() as transaction:
        for course in transaction.execute(newest).all():
            taken = (
                select(repetitions.c.taken_at_unix_ms, turns.c.median_ms)
                .join(repetitions, of_turn)
                .where(
                    turns.c.job_id == course.sentinel_id,
                    turns.c.state == TurnState.TAKEN,
                    turns.c.median_ms > 0,
                )
                .order_by(turns.c.place.desc())
                .limit(readings_at_most)
            )
            rows = transaction.execute(taken).all()
            found.append(
                SentinelCourse(
                    sweep_id=course.sweep_id,
                    backbone=course.backbone,
                    readings=[SentinelReading(**row._mapping) for row in reversed(rows)],
                )
            )
    return [each for each in reversed(found) if each.readings]
