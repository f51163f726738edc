"""Which devices wait for which files, and which of them have nothing else to do."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import func, select

from controller.domain.jobs import JobState, TurnState
from controller.state.database import Database
from controller.state.schema import jobs, sweeps, turns


def list_needs(database: Database, sweep_id: str) -> Mapping[str, Mapping[str, int]]:
    """By backbone and by the id of the device, the place of the first turn that waits for a file.

    This looks at every turn of the sweep that waits, once for all of its conversions.
    """
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.backbone, jobs.c.device_id, func.min(turns.c.place).label("place"))
            .join(turns, turns.c.job_id == jobs.c.job_id)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state == JobState.WAITING,
                turns.c.state == TurnState.WAITING,
            )
            .group_by(jobs.c.backbone, jobs.c.device_id)
        ).all()
    places: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        places[row.backbone][row.device_id] = row.place
    return places


def list_idle(database: Database, device_ids: Collection[str]) -> frozenset[str]:
    """Those of these devices that have no job of any sweep to be leased, or leased."""
    with database.transaction() as transaction:
        busy = transaction.scalars(
            select(jobs.c.device_id)
            .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
            .where(
                sweeps.c.ended_at_unix_ms.is_(None),
                jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]),
            )
            .distinct()
        ).all()
    return frozenset(device_ids) - frozenset(busy)
