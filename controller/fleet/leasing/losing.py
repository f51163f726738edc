"""How attempts end that came to nothing: their turns are queued again, or their jobs fail."""

from dataclasses import dataclass
from typing import Final

from controller.domain.jobs import MAX_ATTEMPTS, JobState, after_loss
from controller.fleet.rounds.settling import settle_report
from controller.fleet.standing.changing import attempt_lost
from controller.state.database import Database, Transaction
from controller.state.jobs.ending import fail_job
from controller.state.rounds.endings import LostTurn, set_lost, set_undelivered
from controller.state.rounds.turns import LeasedTurn, queue_turn_again
from protos.reasons import Reason, ReasonCode, reason

VANISHED: Final = reason(ReasonCode.AGENT_VANISHED, attempts=MAX_ATTEMPTS)


@dataclass(frozen=True, kw_only=True)
class LostAttempt:
    """An attempt that gave nothing.

    Attributes:
        attempt_id: which one.
        turn: its turn.
        why: it gave nothing.
        quarantined: why its device is in quarantine from now on; empty where it is not.
    """

    attempt_id: str
    turn: LeasedTurn
    why: Reason
    quarantined: tuple[Reason, ...] = ()


def lose_attempt(
    database: Database, attempt_id: str, now_unix_ms: int, why: Reason = VANISHED
) -> LostAttempt | None:
    """Gives an attempt up for lost; its job is queued again, or fails when too many were lost.

    Args:
        database: where it is remembered.
        attempt_id: which one.
        now_unix_ms: the time.
        why: what the job fails for, if it does.

    Returns:
        What became of it; None for one that was not out any more.
    """
    # Together: nobody would come back to one that is lost already, to settle what follows.
    with database.as_one() as whole:
        with whole.writing() as transaction:
            lost = set_lost(transaction, attempt_id)
            if lost is None:
                return None
            _try_again(transaction, lost, (why,), now_unix_ms)
            quarantined = attempt_lost(transaction, lost.turn, why, now_unix_ms)
        settle_report(whole, lost.turn, now_unix_ms)
    return LostAttempt(attempt_id=attempt_id, turn=lost.turn, why=why, quarantined=quarantined)


def fetch_again(
    transaction: Transaction, attempt_id: str, why: tuple[Reason, ...], now_unix_ms: int
) -> LostAttempt | None:
    """Ends an attempt whose artifact did not come whole; None for one that had ended."""
    missed = set_undelivered(transaction, attempt_id)
    if missed is None:
        return None
    _try_again(transaction, missed, why, now_unix_ms)
    return LostAttempt(attempt_id=attempt_id, turn=missed.turn, why=why[0])


def _try_again(
    transaction: Transaction, lost: LostTurn, why: tuple[Reason, ...], now_unix_ms: int
) -> None:
    """Queues a turn again, or fails its job when too many attempts at it came to nothing."""
    if after_loss(lost.times) is JobState.QUEUED:
        queue_turn_again(transaction, lost.turn)
    else:
        fail_job(transaction, lost.turn.job_id, why, now_unix_ms)
