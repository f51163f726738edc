"""What agents report and ask for is committed together: who reported is free of it then."""

from collections.abc import Sequence
from typing import TypeAlias

from controller.fleet.leasing.next_lease import NextLease, next_leases
from controller.fleet.reports import Came, Recorded, record_reports
from controller.state.attempts import Ask
from controller.state.committing import Commits
from controller.state.database import Database

_Said: TypeAlias = Came | Ask
_Answer: TypeAlias = Recorded | NextLease


async def commit_report(commits: Commits, came: Came) -> Recorded:
    """What became of a report, as `record_reports` says, once it is committed.

    Raises:
        EdgerankError: STORAGE.
    """
    answer = await commits.write_each(_answer, came)
    assert isinstance(answer, Recorded)
    return answer


async def commit_lease(commits: Commits, ask: Ask) -> NextLease:
    """A device's next lease, as `next_leases` says, once it is committed.

    What was reported before it was asked for is recorded before.

    Raises:
        EdgerankError: STORAGE.
    """
    answer = await commits.write_each(_answer, ask)
    assert isinstance(answer, NextLease)
    return answer


def _answer(database: Database, said: Sequence[_Said]) -> list[_Answer]:
    """What becomes of each, in their order; leases follow on all that is reported."""
    recorded = iter(record_reports(database, [each for each in said if isinstance(each, Came)]))
    leased = iter(next_leases(database, [each for each in said if isinstance(each, Ask)]))
    return [next(recorded) if isinstance(each, Came) else next(leased) for each in said]
