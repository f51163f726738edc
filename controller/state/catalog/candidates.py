"""Jobs of a sweep that race: what they are of, with accuracy, and their processes so far."""

from dataclasses import dataclass

from sqlalchemy import or_, select

from controller.domain.catalog import AccuracyMetric
from controller.domain.jobs import ENDED
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.rounds.turns import medians_of
from controller.state.schema import accuracies, artifacts, jobs, reused_jobs
from controller.state.schema.unreadable import finite
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class RacingJob:
    """A job of a race, whether it goes on or ended, here or in an earlier sweep.

    Attributes:
        job_id: unique id.
        backbone: of what.
        top1: percent; None where none is known of what was measured.
        medians_ms: of its processes, ms.
        runtime: what measures it; None where that cannot be read.
        threads: threads that the runtime is told to use.
        precision: of its artifact.
        input_size: of the images.
        batch: images per inference.
        has_ended: whether nothing more of it is measured.
    """

    job_id: str
    backbone: str
    top1: float | None
    medians_ms: tuple[float, ...] = ()
    runtime: Runtime | None = None
    threads: int = 1
    precision: Precision = Precision.FP32
    input_size: ImageSize = ImageSize(224, 224)
    batch: int = 1
    has_ended: bool = False


def racing_jobs(transaction: Transaction, place: Place) -> list[RacingJob]:
    """All jobs of a sweep on a device, the sentinel not counted, and those that stand for more."""
    top1 = accuracies.alias("top1")
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == place.sweep_id)
    rows = transaction.execute(
        select(
            jobs.c.job_id,
            jobs.c.backbone,
            jobs.c.settings,
            jobs.c.precision,
            jobs.c.input_size,
            jobs.c.batch,
            jobs.c.state,
            top1.c.value_percent,
        )
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
            runtime=row.settings.runtime if isinstance(row.settings, MeasureSettings) else None,
            threads=row.settings.threads if isinstance(row.settings, MeasureSettings) else 1,
            precision=row.precision,
            input_size=row.input_size,
            batch=row.batch,
            has_ended=row.state in ENDED,
        )
        for row in rows
    ]
