"""How attempts end: reported, which is committed once with every raw sample, or lost."""

from dataclasses import replace
from typing import Final

from controller.domain.jobs import (
    FEWEST_REPETITIONS,
    MAX_ATTEMPTS,
    JobState,
    TurnState,
    after_loss,
)
from controller.figures.statistics import median_of
from controller.fleet.credibility import answering, credible
from controller.fleet.settling import settle_report
from controller.state.attempts import (
    StoredAttempt,
    find_attempt,
    set_given_back,
    set_lost,
    set_reported,
)
from controller.state.database import Database, Transaction
from controller.state.jobs import end_job, fail_job
from controller.state.profiles import record_profile
from controller.state.rounds.courses import add_waiting
from controller.state.rounds.repetitions import record_repetition
from controller.state.rounds.turns import (
    LeasedTurn,
    count_others,
    queue_turn_again,
    skip_turn,
    state_before,
    take_turn,
)
from protos.fleet import Report
from protos.log_lines import event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)

VANISHED: Final = reason(ReasonCode.AGENT_VANISHED, attempts=MAX_ATTEMPTS)


def record_report(database: Database, device_id: str, report: Report, now_unix_ms: int) -> bool:
    """Commits how an attempt ended; False when it is not the device's or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing. A job ends with the
    first failure, with its profile, or when no repetition of it is missing any more. A repetition
    that the device was not ready for is left out where enough others are there, and a reading of a
    sentinel where the one before it was not.
    """
    attempt = find_attempt(database, device_id, report.attempt_id)
    if attempt is None:
        return False
    report = credible(answering(report, attempt.settings), attempt.settings.cores)
    spent_ms = _spent_ms(attempt, report, now_unix_ms)
    with database.transaction() as transaction:
        if set_reported(transaction, report.attempt_id) and report.waited_ms:
            add_waiting(transaction, attempt.turn.place, report.waited_ms)
        if _may_be_left_out(transaction, attempt, report):
            is_new = skip_turn(transaction, attempt.turn, spent_ms=spent_ms)
        else:
            is_new = _commit(transaction, attempt.turn, report, spent_ms, now_unix_ms)
    # Again for a repeated report: the first may have been committed and not settled.
    settle_report(database, attempt.turn, now_unix_ms)
    return is_new


def take_back(database: Database, attempt_id: str) -> None:
    """Queues the turn of an attempt again that its agent gave back; nothing was lost by it."""
    with database.transaction() as transaction:
        turn = set_given_back(transaction, attempt_id)
        if turn is not None:
            queue_turn_again(transaction, turn.job_id, turn.ordinal)


def lose_attempt(
    database: Database, attempt_id: str, now_unix_ms: int, why: Reason = VANISHED
) -> bool:
    """Gives an attempt up for lost; its job is queued again, or fails when too many were lost.

    Args:
        database: where it is remembered.
        attempt_id: which one.
        now_unix_ms: the time.
        why: what the job fails for, if it does.

    Returns:
        Whether it was out until now.
    """
    with database.transaction() as transaction:
        lost = set_lost(transaction, attempt_id)
        if lost is None:
            return False
        if after_loss(lost.times) is JobState.QUEUED:
            queue_turn_again(transaction, lost.turn.job_id, lost.turn.ordinal)
        else:
            fail_job(transaction, lost.turn.job_id, (why,), now_unix_ms)
    place = lost.turn.place
    log.warning(
        "an attempt is lost",
        sweep=place.sweep_id,
        device_id=place.device_id,
        job=lost.turn.job_id,
        attempt=attempt_id,
        why=why,
    )
    settle_report(database, lost.turn, now_unix_ms)
    return True


def _may_be_left_out(transaction: Transaction, attempt: StoredAttempt, report: Report) -> bool:
    if report.failure is None or report.failure.code is not ReasonCode.NOT_READY:
        return False
    if attempt.is_sentinel:
        return state_before(transaction, attempt.turn) is not TurnState.NOT_READY
    return count_others(transaction, attempt.turn) >= FEWEST_REPETITIONS


def _commit(
    transaction: Transaction,
    turn: LeasedTurn,
    report: Report,
    spent_ms: int,
    now_unix_ms: int,
) -> bool:
    measured, profiled, failure = report.measured, report.profiled, report.failure
    if measured is None and profiled is None:
        why = failure.reasons if failure else (reason(ReasonCode.NOTHING_TOLD),)
        return fail_job(transaction, turn.job_id, why, now_unix_ms)
    median_ms = None if measured is None else median_of(measured.repetition)
    if not take_turn(transaction, turn, median_ms=median_ms, spent_ms=spent_ms):
        return False
    if profiled is not None:
        record_profile(transaction, turn.job_id, profiled, report.ended_at_unix_ms, now_unix_ms)
        # At once: a job ends by its repetitions, and this one has none.
        end_job(transaction, turn.job_id, JobState.DONE)
    if measured is not None:
        repetition = replace(measured.repetition, waited_ms=report.waited_ms)
        measured = replace(measured, repetition=repetition)
        record_repetition(transaction, turn.job_id, turn.ordinal, measured, report.ended_at_unix_ms)
    return True


def _spent_ms(attempt: StoredAttempt, report: Report, now_unix_ms: int) -> int:
    """What an attempt took besides waiting, ms.

    By the device's clock, which may be set, or since it was leased, whichever is less.
    """
    told_ms = report.ended_at_unix_ms - report.started_at_unix_ms
    took_ms = min(told_ms, now_unix_ms - attempt.leased_at_unix_ms)
    return max(0, took_ms - report.waited_ms)
