"""Profiles a backbone on a device: a sweep of one job, whose result is no measurement."""

import asyncio
from collections.abc import AsyncIterator

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import OperatorProfile, ProfileProgress, ProfileSpec
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.state import devices, profiles
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiling.planning import as_sweep, plan_profile
from controller.sweeps.prospects.planner import known_versions
from controller.sweeps.starting import Before
from models.catalog.catalog import Catalog


class Profiles:
    """Starts and follows profiles."""

    def __init__(self, database: Database, catalog: Catalog, fleet: Fleet, sweeps: Sweeps) -> None:
        self._database = database
        self._catalog = catalog
        self._fleet = fleet
        self._sweeps = sweeps

    async def start(self, spec: ProfileSpec, started_by: str) -> str:
        """Plans and starts a profile; gives its id.

        `started_by` is as in `Before`.

        Raises:
            EdgerankError: it cannot hold (see `plan_profile`).
        """
        known = await asyncio.to_thread(
            devices.list_devices, self._database, self._fleet.connected()
        )
        versions = await asyncio.to_thread(known_versions, self._database, (spec.backbone,))
        job = plan_profile(spec, known, self._catalog, versions)
        return await self._sweeps.begin(as_sweep(spec), (job,), Before(started_by=started_by))

    async def watch(self, profile_id: str) -> AsyncIterator[ProfileProgress]:
        """How far a profile is, now and at each change, until it has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME; EXECUTION when it was cancelled.
        """
        await asyncio.to_thread(profiles.check_profile, self._database, profile_id)
        async for sweep in self._sweeps.watch(profile_id):
            if sweep.phase is SweepPhase.CANCELLED:
                raise EdgerankError(ErrorCode.EXECUTION, f"profile {profile_id} was cancelled")
            yield ProfileProgress(
                profile_id=profile_id,
                phase=sweep.phase,
                activities=sweep.activities,
                held_up=sweep.held_up,
            )

    async def result(self, profile_id: str) -> tuple[OperatorProfile, bytes]:
        """A profile that has ended, and its compressed trace.

        Raises:
            EdgerankError: EXECUTION, with the reason, when it failed.
        """
        return await asyncio.to_thread(profiles.read_profile, self._database, profile_id)
