"""Jobs of a sweep that race: what they are of, with accuracy, and their processes so far."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, insert, or_, select

from controller.domain.catalog import AccuracyMetric
from controller.domain.jobs import ENDED, PlannedJob
from controller.domain.measurements import LatencyFigures, Verdict
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.rounds.turns import medians_of
from controller.state.schema import (
    accuracies,
    artifacts,
    continued_jobs,
    jobs,
    measurements,
    repetitions,
    reused_jobs,
    turns,
)
from controller.state.schema.many_rows import in_few_lengths
from controller.state.schema.unreadable import finite
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings


@dataclass(frozen=True, kw_only=True)
class RacingJob:
    """A job of a race, whether it goes on or ended, here or in an earlier sweep.

    Attributes:
        job_id: unique id.
        backbone: of what.
        top1: percent; None where none is known of what was measured.
        medians_ms: of its processes, ms; `earlier_ms` before those of this race.
        earlier_ms: of processes of earlier races that count on, ms.
        settings: how it is measured; None where that cannot be read.
        precision: of its artifact.
        target: what its artifact is made for.
        input_size: of the images; None where that is not told.
        batch: images per inference.
        has_ended: whether nothing more of it is measured.
    """

    job_id: str
    backbone: str
    top1: float | None
    medians_ms: tuple[float, ...] = ()
    earlier_ms: tuple[float, ...] = ()
    settings: MeasureSettings | None = None
    precision: Precision = Precision.FP32
    target: Target = Target.ANY
    input_size: ImageSize | None = None
    batch: int = 1
    has_ended: bool = False


_TOP1 = accuracies.alias("top1")
_COLUMNS = (
    jobs.c.job_id,
    jobs.c.backbone,
    jobs.c.settings,
    jobs.c.precision,
    jobs.c.target,
    jobs.c.input_size,
    jobs.c.batch,
    jobs.c.state,
)


def racing_jobs(transaction: Transaction, place: Place) -> list[RacingJob]:
    """All jobs of a sweep on a device, the sentinel not counted, and those that stand for more."""
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == place.sweep_id)
    rows = transaction.execute(
        select(*_COLUMNS, _TOP1.c.value_percent)
        .select_from(jobs)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(_TOP1, _TOP1.c.figure_id == figure_of_job(AccuracyMetric.TOP1, IMAGENET))
        .where(
            jobs.c.device_id == place.device_id,
            jobs.c.is_sentinel.is_(False),
            or_(jobs.c.sweep_id == place.sweep_id, jobs.c.job_id.in_(reused)),
        )
        .order_by(jobs.c.position, jobs.c.job_id)
    ).all()
    medians = medians_of(transaction, [row.job_id for row in rows])
    earlier = _earlier_medians(transaction, place)
    return [
        _job(
            row,
            finite(row.value_percent),
            tuple(medians.get(row.job_id, ())),
            earlier.get(row.job_id, ()),
        )
        for row in rows
    ]


def reused_racers(transaction: Transaction, job_ids: Sequence[str]) -> dict[str, list[RacingJob]]:
    """Jobs of earlier sweeps that are to stand for some of a race, by their devices' ids.

    Without accuracy.
    """
    if not job_ids:
        return {}
    asked = jobs.c.job_id.in_(in_few_lengths(job_ids))
    rows = transaction.execute(select(*_COLUMNS, jobs.c.device_id).where(asked)).all()
    medians = medians_of(transaction, [row.job_id for row in rows])
    found: defaultdict[str, list[RacingJob]] = defaultdict(list)
    for row in rows:
        found[row.device_id].append(_job(row, None, tuple(medians.get(row.job_id, ()))))
    return found


def planned_racer(job_id: str, job: PlannedJob) -> RacingJob:
    """A job that is to race, of which nothing is known."""
    return RacingJob(
        job_id=job_id,
        backbone=job.variant.backbone,
        top1=None,
        settings=job.settings,
        precision=job.variant.precision,
        target=job.variant.target,
        input_size=job.variant.input_size,
        batch=job.variant.batch,
    )


def add_continued(transaction: Transaction, continued: Mapping[str, str]) -> None:
    """Lets the processes of earlier jobs, and of those that they continued, count on for jobs.

    Args:
        transaction: also of the jobs.
        continued: the id of the earlier job by that of the new one.
    """
    if not continued:
        return
    new_of = {earlier: job_id for job_id, earlier in continued.items()}
    before = transaction.execute(
        select(continued_jobs).where(continued_jobs.c.job_id.in_(new_of))
    ).all()
    pairs = [*continued.items(), *((new_of[row.job_id], row.earlier_job_id) for row in before)]
    rows = [{"job_id": job_id, "earlier_job_id": earlier} for job_id, earlier in pairs]
    transaction.execute(insert(continued_jobs), rows)


def _earlier_medians(transaction: Transaction, place: Place) -> Mapping[str, tuple[float, ...]]:
    """Of the processes that count on for jobs of a sweep on a device, by the jobs' ids, ms."""
    rows = transaction.execute(
        select(continued_jobs.c.job_id, turns.c.median_ms)
        .join(jobs, jobs.c.job_id == continued_jobs.c.job_id)
        .join(repetitions, repetitions.c.job_id == continued_jobs.c.earlier_job_id)
        .join(
            turns,
            and_(turns.c.job_id == repetitions.c.job_id, turns.c.ordinal == repetitions.c.ordinal),
        )
        .where(
            jobs.c.sweep_id == place.sweep_id,
            jobs.c.device_id == place.device_id,
            turns.c.median_ms.is_not(None),
            repetitions.c.is_suspect.is_not(True),
        )
        .order_by(repetitions.c.taken_at_unix_ms, repetitions.c.job_id, repetitions.c.ordinal)
    ).all()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row.job_id].append(row.median_ms)
    return {job_id: tuple(medians_ms) for job_id, medians_ms in found.items()}


def list_learned(transaction: Transaction, place: Place) -> list[RacingJob]:
    """What other sweeps measured on the device and nothing disturbed, the oldest first.

    Each with its median alone, and no accuracy.
    """
    rows = transaction.execute(
        select(*_COLUMNS, measurements.c.latency)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .where(
            measurements.c.device_id == place.device_id,
            measurements.c.sweep_id != place.sweep_id,
            measurements.c.is_newest.is_(True),
            measurements.c.verdict.in_([Verdict.OK, Verdict.WIDE]),
            jobs.c.is_sentinel.is_(False),
        )
        .order_by(measurements.c.committed_at_unix_ms, jobs.c.job_id)
    ).all()
    return [
        _job(row, None, (row.latency.median_ms,))
        for row in rows
        if isinstance(row.latency, LatencyFigures)
    ]


def _job(
    row: Row[Any],
    top1: float | None,
    medians_ms: tuple[float, ...],
    earlier_ms: tuple[float, ...] = (),
) -> RacingJob:
    is_readable = isinstance(row.settings, MeasureSettings)
    return RacingJob(
        job_id=row.job_id,
        backbone=row.backbone,
        top1=top1,
        medians_ms=(*earlier_ms, *medians_ms),
        earlier_ms=earlier_ms,
        settings=row.settings if is_readable else None,
        precision=row.precision,
        target=row.target,
        input_size=row.input_size,
        batch=row.batch,
        has_ended=row.state in ENDED,
    )
