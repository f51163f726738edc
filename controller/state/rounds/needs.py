"""Which devices wait for which files, and which of them have nothing else to do."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import func, or_, select

from controller.domain.jobs import JobState, TurnState
from controller.state.artifacts import variant_of
from controller.state.database import Database
from controller.state.rounds.counts import VARIANT_COLUMNS
from controller.state.schema import continued_jobs, jobs, sweeps, turns
from models.catalog.variants import Variant


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


def wanted_variants(database: Database, sweep_id: str) -> tuple[Variant, ...]:
    """The variants that candidates wait for whose turn is to come, in the order of these turns.

    One that a race may yet want has no turn so far. What goes on from an earlier race has a figure
    already, which is of its file.
    """
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(*VARIANT_COLUMNS)
            .outerjoin(turns, turns.c.job_id == jobs.c.job_id)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state == JobState.WAITING,
                jobs.c.is_sentinel.is_(False),
                or_(
                    turns.c.state == TurnState.WAITING,
                    jobs.c.job_id.in_(select(continued_jobs.c.job_id)),
                ),
            )
            .group_by(*VARIANT_COLUMNS)
            .order_by(func.coalesce(func.min(turns.c.place), 0))
        ).mappings()
        return tuple(map(variant_of, rows))


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
