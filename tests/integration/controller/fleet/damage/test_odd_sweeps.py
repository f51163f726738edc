"""A sweep that cannot be read stands in the way of no other, and of no start of a controller."""

import pytest
from sqlalchemy import select, text

from controller.fleet.agents import Fleet
from controller.state.database import Database
from controller.state.measurements import list_outcomes
from controller.state.schema import jobs
from controller.state.sweeps import running_sweeps
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease


def spoil(database: Database, sweep_id: str, spec: str) -> None:
    with database.transaction() as transaction:
        change = text("UPDATE sweeps SET spec = :spec WHERE sweep_id = :sweep_id")
        transaction.execute(change, {"spec": spec, "sweep_id": sweep_id})


def sweep_of(database: Database, job_id: str) -> str:
    with database.transaction() as transaction:
        found: str = transaction.scalars(
            select(jobs.c.sweep_id).where(jobs.c.job_id == job_id)
        ).one()
    return found


@pytest.mark.parametrize("spec", ["{", "{}", "7", '"text"'])
async def test_the_next_sweep_is_measured(database: Database, fleet: Fleet, spec: str) -> None:
    both = {start_sweep(database, "phone"), start_sweep(database, "phone")}
    session = await fleet.connect(hello("phone"))
    begun = await lease(fleet, session)
    odd = sweep_of(database, begun.job_id)
    (good,) = both - {odd}
    spoil(database, odd, spec)
    await fleet.recover()
    assert [sweep.sweep_id for sweep in running_sweeps(database)] == [good]
    await fleet.report(session, measured_report(begun.attempt_id, begun.job_id))
    await fleet.ended()
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_outcomes(database, good)) == 1
