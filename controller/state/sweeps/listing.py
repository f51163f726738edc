"""Sweeps in a list: each with how far it is, by the counters that are kept in step with it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, RowMapping, exists, func, or_, select, true

from controller.domain.jobs import ENDED, JobState
from controller.domain.sweeps import RUNNING_PHASES, Pause, SweepSpec, SweepSummary
from controller.state.database import Database, Transaction
from controller.state.schema import (
    courses,
    devices,
    jobs,
    profiles,
    reused_jobs,
    sweep_counts,
    sweeps,
)
from controller.state.schema.unreadable import readable


def list_sweeps(
    database: Database,
    *,
    sweep_id: str | None = None,
    behind: str | None = None,
    most: int | None = None,
) -> tuple[SweepSummary, ...]:
    """Sweeps and profiles, the newest first; no job is counted for it.

    Args:
        database: the controller's.
        sweep_id: of the only one that is wanted; None is every one.
        behind: id of a sweep; only those that come after it in the list. None is from the newest.
        most: at most so many; None is all.
    """
    are_wanted: list[ColumnElement[bool]] = []
    if sweep_id is not None:
        are_wanted.append(sweeps.c.sweep_id == sweep_id)
    if behind is not None:
        are_wanted += _come_behind(behind)
    wanted = (
        select(sweeps.c.sweep_id)
        .where(*are_wanted)
        .order_by(sweeps.c.created_at_unix_ms.desc(), sweeps.c.sweep_id)
        .limit(most)
        .subquery()
    )
    reused = select(func.count()).where(reused_jobs.c.sweep_id == sweeps.c.sweep_id)
    # All jobs of a profile are: any of them tells.
    any_job = select(jobs.c.job_id).where(jobs.c.sweep_id == sweeps.c.sweep_id).limit(1)
    is_profile = exists().where(profiles.c.job_id == any_job.scalar_subquery())
    newest = (
        select(
            sweeps,
            sweep_counts,
            reused.scalar_subquery().label("reused"),
            is_profile.label("is_profile"),
        )
        .join(wanted, wanted.c.sweep_id == sweeps.c.sweep_id)
        .outerjoin(sweep_counts, sweep_counts.c.sweep_id == sweeps.c.sweep_id)
        .order_by(sweeps.c.created_at_unix_ms.desc(), sweeps.c.sweep_id)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(newest).mappings().all()
        found = [row["sweep_id"] for row in rows]
        places = _places(transaction, found if sweep_id or most else None)
        sentinels = _sentinels(transaction, found if sweep_id or most else None)

    def summary(row: RowMapping) -> SweepSummary:
        of_sweep = row["sweep_id"]
        return _summary(row, places.get(of_sweep, []), sentinels.get(of_sweep, {}))

    return tuple(readable("sweep", "sweep_id", rows, summary))


def _come_behind(sweep_id: str) -> tuple[ColumnElement[bool], ...]:
    """As the list is ordered: an import begins many sweeps in one moment."""
    begun = select(sweeps.c.created_at_unix_ms).where(sweeps.c.sweep_id == sweep_id)
    at_unix_ms = begun.scalar_subquery()
    return (
        sweeps.c.created_at_unix_ms <= at_unix_ms,
        or_(sweeps.c.created_at_unix_ms < at_unix_ms, sweeps.c.sweep_id > sweep_id),
    )


def pause_of(row: RowMapping) -> Pause | None:
    """Whether a sweep gives out no turns, by its row."""
    if row["paused_at_unix_ms"] is None or row["phase"] not in RUNNING_PHASES:
        return None
    return Pause(by=row["paused_by"], since_unix_ms=row["paused_at_unix_ms"])


def _places(transaction: Transaction, sweep_ids: Sequence[str] | None) -> dict[str, list[str]]:
    """The names of the devices that each sweep measures on: an index tells for each pair."""
    has_jobs = exists().where(
        jobs.c.device_id == devices.c.device_id,
        jobs.c.sweep_id == sweeps.c.sweep_id,
        jobs.c.is_sentinel.is_(False),
    )
    query = (
        select(sweeps.c.sweep_id, devices.c.name)
        .join(devices, true())
        .where(has_jobs)
        .order_by(devices.c.name)
    )
    if sweep_ids is not None:
        query = query.where(sweeps.c.sweep_id.in_(sweep_ids))
    found: dict[str, list[str]] = {}
    for row in transaction.execute(query.distinct()):
        found.setdefault(row.sweep_id, []).append(row.name)
    return found


def _sentinels(
    transaction: Transaction, sweep_ids: Sequence[str] | None
) -> dict[str, dict[JobState, int]]:
    """How many sentinels of each sweep are in which state: they are counted among its jobs."""
    query = (
        select(courses.c.sweep_id, jobs.c.state, func.count().label("job_count"))
        .join(jobs, jobs.c.job_id == courses.c.sentinel_id)
        .group_by(courses.c.sweep_id, jobs.c.state)
    )
    if sweep_ids is not None:
        query = query.where(courses.c.sweep_id.in_(sweep_ids))
    found: dict[str, dict[JobState, int]] = {}
    for row in transaction.execute(query):
        found.setdefault(row.sweep_id, {})[row.state] = row.job_count
    return found


def _summary(
    row: RowMapping, places: Sequence[str], sentinels: dict[JobState, int]
) -> SweepSummary:
    spec: SweepSpec = row["spec"]
    count = {state: (row[state.value] or 0) - sentinels.get(state, 0) for state in JobState}
    return SweepSummary(
        sweep_id=row["sweep_id"],
        name=spec.name,
        phase=row["phase"],
        created_at_unix_ms=row["created_at_unix_ms"],
        ended_at_unix_ms=row["ended_at_unix_ms"],
        devices=tuple(places),
        jobs_total=sum(count.values()),
        jobs_ended=sum(count[state] for state in ENDED),
        jobs_failed=count[JobState.FAILED],
        is_profile=bool(row["is_profile"]),
        jobs_measured_before=row["reused"],
        priority=spec.priority,
        deadline_unix_ms=spec.deadline_unix_ms,
        started_by=row["started_by"],
        retry_of=row["retry_of"] or "",
        paused=pause_of(row),
    )
