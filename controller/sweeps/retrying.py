"""What a sweep left undone is done by another one, once however often that is asked for."""

import asyncio
from typing import NamedTuple

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import RUNNING_PHASES, StartedSweep
from controller.state.database import Database
from controller.state.rounds.undone import find_retry, find_undone, is_profile
from controller.state.sweeps import StoredSweep, find_sweep
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.starting import Before


class Retried(NamedTuple):
    """The sweep that does it, and whether it was started for this call."""

    sweep: StartedSweep
    is_new: bool


class Retrying:
    """Starts sweeps of what others left undone."""

    def __init__(self, database: Database, sweeps: Sweeps) -> None:
        self._database = database
        self._sweeps = sweeps
        self._one_at_a_time = asyncio.Lock()

    async def retry(self, sweep_id: str, started_by: str, *, only_failed: bool) -> Retried:
        """Starts a sweep of the jobs that another one has no figures of, asked for as there.

        The figures that it has are the new one's, too. A sweep is retried once: who asks again, or
        did not hear the answer, is told of the same one.

        Args:
            sweep_id: the whole id of one that is over.
            started_by: as in `Before`.
            only_failed: whether jobs that were cancelled stay so.

        Raises:
            EdgerankError: UNKNOWN_NAME, DAMAGED; PRECONDITION while it goes on, and for a profile;
                NOTHING_FOUND when it left nothing undone.
        """
        async with self._one_at_a_time:
            known = await asyncio.to_thread(find_retry, self._database, sweep_id)
            if known is not None:
                return Retried(known, is_new=False)
            stored = await asyncio.to_thread(self._over, sweep_id)
            undone = await asyncio.to_thread(
                find_undone, self._database, sweep_id, only_failed=only_failed
            )
            if not undone.jobs:
                what = "failed" if only_failed else "failed or was cancelled"
                raise EdgerankError(
                    ErrorCode.NOTHING_FOUND,
                    f"no job of the sweep {sweep_id} {what} on a device that is still there; "
                    "there is nothing to retry",
                )
            before = Before(
                reused=undone.measured,
                foretold=await self._sweeps.foretold(undone.jobs),
                started_by=started_by,
                retry_of=sweep_id,
            )
            started = StartedSweep(
                sweep_id=await self._sweeps.begin(stored.spec, undone.jobs, before),
                job_count=sum(not job.is_sentinel for job in undone.jobs),
                measured_before=len(undone.measured),
            )
        return Retried(started, is_new=True)

    def _over(self, sweep_id: str) -> StoredSweep:
        stored = find_sweep(self._database, sweep_id)
        if stored.phase in RUNNING_PHASES:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"the sweep {sweep_id} goes on, and more of it may fail; retry it when it has "
                "ended, or cancel it first",
            )
        if is_profile(self._database, sweep_id):
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{sweep_id} is a profile, which is not retried; start another one",
            )
        return stored
