"""How a turn goes back whose agent ends, and what becomes of one that is given back without end."""

from typing import Final

from controller.fleet.leasing.losing import LostAttempt
from controller.fleet.rounds.settling import settle_report
from controller.fleet.standing.changing import attempt_ended, attempt_lost
from controller.state.database import Database
from controller.state.jobs.ending import fail_job
from controller.state.rounds.endings import give_back
from controller.state.rounds.turns import queue_turn_again
from protos.reasons import ReasonCode, reason

MOST_GIVEN_BACK: Final = 100
"""How often one turn is; an agent that is started again and again does not come so far."""


def take_back(database: Database, attempt_id: str, now_unix_ms: int) -> LostAttempt | None:
    """Queues the turn of an attempt again that its agent gave back; nothing was lost by it.

    Unless it is given back without end, which would hold its sweep as one does that is never
    reported: then its job fails as one of those.

    Args:
        database: where it is remembered.
        attempt_id: which one.
        now_unix_ms: the time.

    Returns:
        What became of one whose job failed; None for every other.
    """
    with database.as_one() as whole:
        with whole.writing() as transaction:
            given = give_back(transaction, attempt_id)
            if given is None:
                return None
            turn = given.turn
            if given.times <= MOST_GIVEN_BACK:
                queue_turn_again(transaction, turn)
                attempt_ended(transaction, turn.place.device_id, now_unix_ms)
                return None
            why = reason(ReasonCode.NEVER_REPORTED, attempts=given.times)
            fail_job(transaction, turn.job_id, (why,), now_unix_ms)
            quarantined = attempt_lost(transaction, turn, why, now_unix_ms)
        settle_report(whole, turn, now_unix_ms)
    return LostAttempt(attempt_id=attempt_id, turn=turn, why=why, quarantined=quarantined)
