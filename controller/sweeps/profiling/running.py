"""Profiles a backbone on a device: a sweep of one job, whose result is no measurement."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import OperatorProfile, ProfileProgress, ProfileSpec
from controller.domain.sweeps import StartedSweep, SweepPhase
from controller.fleet.agents import Fleet
from controller.state import devices, profiles
from controller.state.database import Database
from controller.state.rounds.start_requests import Asked, StartRequest
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiling.planning import as_sweep, plan_profile
from controller.sweeps.prospects.planner import known_files
from controller.sweeps.starting import Before
from models.catalog.catalog import Catalog


class Profiles:
    """Starts and follows profiles."""

    def __init__(self, database: Database, catalog: Catalog, fleet: Fleet, sweeps: Sweeps) -> None:
        self._database = database
        self._catalog = catalog
        self._fleet = fleet
        self._sweeps = sweeps

    async def start(self, spec: ProfileSpec, started_by: str, request_id: str = "") -> str:
        """Plans and starts a profile; gives its id.

        Args:
            spec: what is asked for.
            started_by: as in `Before`.
            request_id: who asks again with the same one is given the same; empty is none.

        Raises:
            EdgerankError: it cannot hold (see `plan_profile`); for the request, as `Sweeps.once`.
        """
        start = partial(self._start, spec, started_by)
        return (await self._sweeps.once(_asked(spec), request_id, start)).sweep_id

    async def _start(
        self, spec: ProfileSpec, started_by: str, request_id: str | None
    ) -> StartedSweep:
        known = await asyncio.to_thread(
            devices.list_devices, self._database, self._fleet.connected()
        )
        needs = await asyncio.to_thread(known_files, self._database, (spec.backbone,))
        job = plan_profile(spec, known, self._catalog, needs)
        answer, request = StartedSweep(sweep_id="", job_count=1), None
        if request_id:
            request = StartRequest(request_id=request_id, asked=_asked(spec), answer=answer)
        before = Before(started_by=started_by, request=request)
        return replace(answer, sweep_id=await self._sweeps.begin(as_sweep(spec), (job,), before))

    async def find(self, wanted: str) -> str:
        """The id of a profile, by it or by that of the request that started it.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        return await asyncio.to_thread(profiles.resolve_profile, self._database, wanted)

    async def watch(self, profile_id: str) -> AsyncIterator[ProfileProgress]:
        """How far a profile is, now and at each change, until it has ended.

        Raises:
            EdgerankError: EXECUTION when it was cancelled.
        """
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


def _asked(spec: ProfileSpec) -> Asked:
    return Asked(spec=as_sweep(spec), profile_runs=spec.run_count)
