"""Attempts that are not waited for any more, by what they were asked and by what was before."""

import asyncio
from collections.abc import Collection, Sequence

from controller.fleet.leasing.leases import LeaseBook
from controller.state.database import Database
from controller.state.rounds.history import longest_turns


async def overdue_attempts(
    book: LeaseBook, database: Database, now_ms: int, held_up: Collection[str]
) -> Sequence[str]:
    """Those that live and should have been reported long ago, and are not `held_up`.

    Of these the reports may wait here. What was measured of the others' jobs is asked for once, and
    only of those that are out for long.

    Raises:
        EdgerankError: STORAGE.
    """
    late = [lease for lease in book.unjudged(now_ms) if lease.attempt_id not in held_up]
    if late:
        jobs = {lease.job_id for lease in late}
        before_ms = await asyncio.to_thread(longest_turns, database, jobs)
        for lease in late:
            book.judge(lease, before_ms.get(lease.job_id))
    return [attempt_id for attempt_id in book.overdue(now_ms) if attempt_id not in held_up]
