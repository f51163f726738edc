"""Jobs of a sweep that race: what they are of, with accuracy, and their processes so far."""

from dataclasses import dataclass

from sqlalchemy import or_, select

from controller.domain.catalog import AccuracyMetric
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.rounds.turns import medians_of
from controller.state.schema import accuracies, artifacts, jobs, reused_jobs
from controller.state.schema.unreadable import finite
from models.catalog.catalog import IMAGENET


@dataclass(frozen=True, kw_only=True)
class RacingJob:
    """A job of a race, whether it goes on or ended, here or in an earlier sweep.

    Attributes:
        job_id: unique id.
        backbone: of what.
        top1: percent; None where none is known of what was measured.
        medians_ms: of its processes, ms.
    """

    job_id: str
    backbone: str
    top1: float | None
    medians_ms: tuple[float, ...]


def racing_jobs(transaction: Transaction, place: Place) -> list[RacingJob]:
    """All jobs of a sweep on a device, the sentinel not counted, and those that stand for more."""
    top1 = accuracies.alias("top1")
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == place.sweep_id)
    rows = transaction.execute(
        select(jobs.c.job_id, jobs.c.backbone, top1.c.value_percent)
        .select_from(jobs)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(top1, top1.c.figure_id == figure_of_job(AccuracyMetric.TOP1, IMAGENET))
        .where(
            jobs.c.device_id == place.device_id,
            jobs.c.is_sentinel.is_(False),
            or_(jobs.c.sweep_id == place.sweep_id, jobs.c.job_id.in_(reused)),
        )
        .order_by(jobs.c.position, jobs.c.job_id)
    ).all()
    medians = medians_of(transaction, [row.job_id for row in rows])
    return [
        RacingJob(
            job_id=row.job_id,
            backbone=row.backbone,
            top1=finite(row.value_percent),
            medians_ms=tuple(medians.get(row.job_id, ())),
        )
        for row in rows
    ]
