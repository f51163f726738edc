"""Which jobs a filter means."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select

from controller.domain.measurements import MeasurementFilter
from controller.state.devices import holder_of
from controller.state.schema import jobs, reused_jobs


def are_wanted(wanted: MeasurementFilter) -> Iterator[ColumnElement[bool]]:
    """What holds of the jobs whose measurements the filter lets through."""
    yield jobs.c.is_sentinel.is_(False)
    if wanted.device is not None:
        yield jobs.c.device_id == holder_of(wanted.device)
    if wanted.sweep_id is not None:
        yield _is_of_sweep(wanted.sweep_id)
    if wanted.backbone is not None:
        yield jobs.c.backbone == wanted.backbone


def _is_of_sweep(sweep_id: str) -> ColumnElement[bool]:
    """Whether a job is a sweep's, or one of before whose figures it did not need again."""
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == sweep_id)
    return or_(jobs.c.sweep_id == sweep_id, jobs.c.job_id.in_(reused))
