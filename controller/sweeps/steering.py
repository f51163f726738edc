"""Sweeps that were started are paused, resumed, and made more or less urgent."""

import asyncio

from controller.conversions.demand import Demand
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Pause, SweepSpec
from controller.domain.sweeps.editing import SweepEdit
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.state.database import Database
from controller.state.rounds import steering
from controller.state.sweeps import find_sweep
from controller.sweeps.limits import check_urgency
from controller.sweeps.preparing.preparation import urgency_of


class Steering:
    """Changes what becomes of sweeps; every call takes the whole id of one."""

    def __init__(
        self, database: Database, fleet: Fleet, changes: Changes, clock: Clock, *, demand: Demand
    ) -> None:
        self._demand = demand
        self._database = database
        self._fleet = fleet
        self._changes = changes
        self._clock = clock

    async def pause(self, sweep_id: str, by: str) -> Pause:
        """Lets a sweep give out no turns until it is resumed; tells by whom it is paused.

        What is measured now ends, and what is converted goes on.

        Raises:
            EdgerankError: UNKNOWN_NAME, DAMAGED; PRECONDITION when it has ended.
        """
        await asyncio.to_thread(steering.pause, self._database, sweep_id, by, self._clock.unix_ms())
        self._changes.notify()
        paused = (await asyncio.to_thread(find_sweep, self._database, sweep_id)).paused
        # It may have ended, or been resumed, in between.
        return paused or Pause(by=by, since_unix_ms=self._clock.unix_ms())

    async def resume(self, sweep_id: str) -> None:
        """Lets a sweep give out turns again, to devices that are free at once.

        Raises:
            EdgerankError: PRECONDITION when it has ended.
        """
        await asyncio.to_thread(steering.resume, self._database, sweep_id)
        self._changes.notify()
        await self._fleet.dispatch_all()

    async def edit(self, wanted: SweepEdit) -> SweepSpec:
        """Makes a sweep more or less urgent from its next turn, and the next conversion, on.

        Returns:
            What is asked for then.

        Raises:
            EdgerankError: INVALID_INPUT for what cannot be, or for nothing to change; UNKNOWN_NAME,
                DAMAGED; PRECONDITION when it has ended.
        """
        if wanted == SweepEdit(sweep_id=wanted.sweep_id):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, "nothing is to change; give a priority or a deadline"
            )
        if wanted.without_deadline and wanted.deadline_unix_ms is not None:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                "a sweep has a deadline or none, not both; give one of them",
            )
        # Of one that cannot be read nothing can be kept.
        stored = await asyncio.to_thread(find_sweep, self._database, wanted.sweep_id)
        check_urgency(steering.edited(stored.spec, wanted))
        spec = await asyncio.to_thread(steering.edit, self._database, wanted)
        self._demand.urge(wanted.sweep_id, urgency_of(spec))
        return spec
