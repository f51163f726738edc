"""Devices that go with all that was measured on them."""

from sqlalchemy import delete, select

from controller.state.database import Database
from controller.state.rounds.counts import count_anew
from controller.state.schema import (
    attempts,
    continued_jobs,
    courses,
    device_events,
    device_spreads,
    device_standings,
    devices,
    earlier_predictions,
    imports,
    jobs,
    kept_figures,
    measurements,
    profiles,
    repetitions,
    replaced_agents,
    reused_jobs,
    servings,
    start_requests,
    sweep_counts,
    sweeps,
    turns,
)


def forget(database: Database, device_id: str) -> None:
    """Deletes a device with its jobs and measurements, and sweeps that have no others."""
    of_device = select(jobs.c.job_id).where(jobs.c.device_id == device_id)
    with database.writing() as transaction:
        reusing = select(reused_jobs.c.sweep_id).where(reused_jobs.c.job_id.in_(of_device))
        touched = transaction.scalars(
            select(jobs.c.sweep_id).where(jobs.c.device_id == device_id).union(reusing)
        ).all()
        for table in (
            continued_jobs,
            reused_jobs,
            measurements,
            repetitions,
            profiles,
            attempts,
            turns,
        ):
            transaction.execute(delete(table).where(table.c.job_id.in_(of_device)))
        for kept in (
            *(courses, device_spreads, servings, device_standings, device_events),
            kept_figures,
            earlier_predictions,
        ):
            transaction.execute(delete(kept).where(kept.c.device_id == device_id))
        transaction.execute(delete(jobs).where(jobs.c.device_id == device_id))
        for table in (sweep_counts, start_requests, imports, sweeps):
            transaction.execute(
                delete(table).where(
                    table.c.sweep_id.in_(touched),
                    table.c.sweep_id.not_in(select(jobs.c.sweep_id)),
                    table.c.sweep_id.not_in(select(reused_jobs.c.sweep_id)),
                )
            )
        for sweep_id in touched:
            count_anew(transaction, sweep_id)
        transaction.execute(delete(replaced_agents).where(replaced_agents.c.device_id == device_id))
        transaction.execute(delete(devices).where(devices.c.device_id == device_id))
