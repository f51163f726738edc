"""How attempts end: reported, which is committed once with every raw sample, or in vain."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from controller.domain.jobs import (
    FEWEST_REPETITIONS,
    MAX_ATTEMPTS,
    AttemptState,
    JobState,
    TurnState,
    after_loss,
)
from controller.figures.outputs import wrong_output
from controller.figures.statistics import median_of
from controller.fleet.credibility import MAX_DETAIL_LENGTH, answering, credible
from controller.fleet.rounds.settling import settle_report
from controller.fleet.standing.changing import attempt_lost, attempt_reported
from controller.state.attempts import StoredAttempt, find_attempt
from controller.state.database import Database, Transaction
from controller.state.jobs import end_job, fail_job
from controller.state.profiles import record_profile
from controller.state.rounds.courses import add_waiting
from controller.state.rounds.endings import (
    LostTurn,
    set_lost,
    set_reported,
    set_undelivered,
)
from controller.state.rounds.repetitions import record_repetition
from controller.state.rounds.turns import (
    LeasedTurn,
    count_others,
    queue_turn_again,
    skip_turn,
    state_before,
    take_turn,
)
from controller.state.schema.columns import Unreadable
from protos.fleet import Report, failed
from protos.measuring import MeasureSettings
from protos.names import is_name
from protos.reasons import Reason, ReasonCode, reason

VANISHED: Final = reason(ReasonCode.AGENT_VANISHED, attempts=MAX_ATTEMPTS)


@dataclass(frozen=True, kw_only=True)
class UnreadableReport:
    """A report of which no more can be read than whose it is; `detail` says why."""

    attempt_id: str
    """Empty where not even that can be read."""
    job_id: str
    started_at_unix_ms: int
    ended_at_unix_ms: int
    waited_ms: int
    detail: str


SaidReport = Report | UnreadableReport


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


@dataclass(frozen=True)
class Recorded:
    """What became of a report.

    Attributes:
        is_new: whether it changed anything.
        refusal: why what the agent reported is not what is recorded; empty where it is.
        in_vain: what it told of an attempt whose artifact did not come whole.
        quarantined: why its device is in quarantine from now on; empty where it is not.
    """

    is_new: bool
    refusal: str = ""
    in_vain: LostAttempt | None = None
    quarantined: tuple[Reason, ...] = ()


class _Change(Enum):
    """What a report changed."""

    NOTHING = auto()
    # A repetition was taken of a job that has others to be taken, so that nothing follows.
    ONE_OF_SEVERAL = auto()
    MORE = auto()


def record_report(
    database: Database, device_id: str, said: SaidReport, now_unix_ms: int
) -> Recorded:
    """Commits how an attempt ended, unless it is no attempt of the device or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing. A job ends with the
    first failure, with its profile, or when no repetition of it is missing any more. A repetition
    whose outputs are wrong is a failure, and is kept. What cannot be read or believed ends it as a
    failure, and is refused besides. A repetition that the device was not ready for is left out
    where enough others are there, and a reading of a sentinel where the one before it was not. One
    whose artifact did not come whole, or was replaced before it came, is tried again. That an
    attempt was cancelled whose turn this side gave on before is no failure of its job.
    """
    # No attempt has an id that is no name, and not every database takes every text.
    known = is_name(said.attempt_id)
    with database.writing() as transaction:
        attempt = find_attempt(transaction, device_id, said.attempt_id) if known else None
        if attempt is None:
            return Recorded(is_new=False, refusal=_of_nobody(said))
        report, refusal = judged(said, attempt.settings)
        in_vain: LostAttempt | None = None
        quarantined: tuple[Reason, ...] = ()
        if report.failure is not None and _is_undelivered(report.failure.code, attempt):
            why = report.failure.reasons
            in_vain = _fetch_again(transaction, report.attempt_id, why, now_unix_ms)
            change = _Change.NOTHING if in_vain is None else _Change.MORE
        else:
            change = _end_attempt(transaction, attempt, report, now_unix_ms)
        if attempt.state is not AttemptState.REPORTED and not _was_stopped(attempt, report):
            why = _why_failed(report, attempt.output_tolerance)
            quarantined = attempt_reported(transaction, attempt, why, now_unix_ms)
    if change is not _Change.ONE_OF_SEVERAL or attempt.is_sentinel:
        # Again for a repeated report: the first may have been committed and not settled.
        settle_report(database, attempt.turn, now_unix_ms)
    return Recorded(change is not _Change.NOTHING, refusal, in_vain, quarantined)


def judged(said: SaidReport, settings: MeasureSettings | Unreadable) -> tuple[Report, str]:
    """What is recorded of a report, and why that is not what was said; empty where it is.

    Args:
        said: what the agent sent.
        settings: what its attempt was told.
    """
    if isinstance(settings, Unreadable):
        unread = replace(
            _unread(said) if isinstance(said, UnreadableReport) else said,
            measured=None,
            profiled=None,
            failure=failed(ReasonCode.JOB_UNREADABLE, "settings"),
        )
        return unread, "what its job asked for is stored here and cannot be read any more"
    if isinstance(said, UnreadableReport):
        unread = _unread(said)
        # Times that cannot be are not kept, and are not what it failed for.
        report = replace(credible(unread), failure=unread.failure)
    else:
        report = credible(answering(said, settings), settings.cores)
    if report is said:
        return report, ""
    assert report.failure is not None
    return report, report.failure.reasons[0].words["detail"]


def _of_nobody(said: SaidReport) -> str:
    if isinstance(said, UnreadableReport) and not said.attempt_id:
        return f"not even its attempt can be read: {said.detail}"
    return "this controller knows no such attempt of the device"


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


def _try_again(
    transaction: Transaction, lost: LostTurn, why: tuple[Reason, ...], now_unix_ms: int
) -> None:
    """Queues a turn again, or fails its job when too many attempts at it came to nothing."""
    if after_loss(lost.times) is JobState.QUEUED:
        queue_turn_again(transaction, lost.turn)
    else:
        fail_job(transaction, lost.turn.job_id, why, now_unix_ms)


def _fetch_again(
    transaction: Transaction, attempt_id: str, why: tuple[Reason, ...], now_unix_ms: int
) -> LostAttempt | None:
    """Ends an attempt whose artifact did not come whole; None for one that had ended."""
    missed = set_undelivered(transaction, attempt_id)
    if missed is None:
        return None
    _try_again(transaction, missed, why, now_unix_ms)
    return LostAttempt(attempt_id=attempt_id, turn=missed.turn, why=why[0])


def _end_attempt(
    transaction: Transaction,
    attempt: StoredAttempt,
    report: Report,
    now_unix_ms: int,
) -> _Change:
    if _was_stopped(attempt, report):
        return _Change.NOTHING
    if set_reported(transaction, report.attempt_id) and report.waited_ms:
        add_waiting(transaction, attempt.turn.place, report.waited_ms)
    if _may_be_left_out(transaction, attempt, report):
        spent_ms = _spent_ms(attempt, report, now_unix_ms)
        is_new = skip_turn(transaction, attempt.turn, spent_ms=spent_ms)
        return _Change.MORE if is_new else _Change.NOTHING
    return _commit(transaction, attempt, report, now_unix_ms)


def _is_undelivered(code: ReasonCode, attempt: StoredAttempt) -> bool:
    """Whether an attempt failed since its files did not come whole, or are others by now."""
    if code is ReasonCode.ARTIFACT_BROKEN:
        return attempt.has_other_files
    return code is ReasonCode.ARTIFACT_DAMAGED


def _unread(report: UnreadableReport) -> Report:
    detail = f"the agent's report: {report.detail}"[:MAX_DETAIL_LENGTH]
    return Report(
        attempt_id=report.attempt_id,
        job_id=report.job_id,
        started_at_unix_ms=report.started_at_unix_ms,
        ended_at_unix_ms=report.ended_at_unix_ms,
        waited_ms=report.waited_ms,
        failure=failed(ReasonCode.RUBBISH, detail),
    )


def _was_stopped(attempt: StoredAttempt, report: Report) -> bool:
    """Whether it tells no more than that this side wanted it to end, and gave its turn on."""
    is_cancelled = report.failure is not None and (
        report.failure.code is ReasonCode.ATTEMPT_CANCELLED
    )
    return is_cancelled and attempt.state in (AttemptState.GIVEN_BACK, AttemptState.LOST)


def _may_be_left_out(transaction: Transaction, attempt: StoredAttempt, report: Report) -> bool:
    if report.failure is None or report.failure.code is not ReasonCode.NOT_READY:
        return False
    if attempt.is_sentinel:
        return state_before(transaction, attempt.turn) is not TurnState.NOT_READY
    return count_others(transaction, attempt.turn) >= FEWEST_REPETITIONS


def _commit(
    transaction: Transaction, attempt: StoredAttempt, report: Report, now_unix_ms: int
) -> _Change:
    turn, measured, profiled = attempt.turn, report.measured, report.profiled
    why_failed = _why_failed(report, attempt.output_tolerance)
    if measured is None and profiled is None:
        is_new = fail_job(transaction, turn.job_id, why_failed, now_unix_ms)
        return _Change.MORE if is_new else _Change.NOTHING
    taken = take_turn(
        transaction,
        turn,
        block=None if attempt.is_sentinel else attempt.reading_count,
        median_ms=None if measured is None else median_of(measured.repetition),
        spent_ms=_spent_ms(attempt, report, now_unix_ms),
    )
    if taken is None:
        return _Change.NOTHING
    if profiled is not None:
        record_profile(transaction, turn.job_id, profiled, report.ended_at_unix_ms, now_unix_ms)
        # At once: a job ends by its repetitions, and this one has none.
        end_job(transaction, turn.job_id, JobState.DONE)
    if measured is not None:
        repetition = replace(measured.repetition, waited_ms=report.waited_ms)
        measured = replace(measured, repetition=repetition)
        record_repetition(transaction, turn.job_id, turn.ordinal, measured, report.ended_at_unix_ms)
    # With its samples kept, which tell how long it took to compute something else.
    if why_failed and fail_job(transaction, turn.job_id, why_failed, now_unix_ms):
        return _Change.MORE
    return _Change.ONE_OF_SEVERAL if taken.has_more else _Change.MORE


def _why_failed(report: Report, output_tolerance: float | None) -> tuple[Reason, ...]:
    """Why there is nothing in a report, or nothing that counts; empty where there is something."""
    if report.measured is not None:
        return wrong_output(report.measured.repetition.output_check, output_tolerance)
    if report.profiled is not None:
        return ()
    return report.failure.reasons if report.failure else (reason(ReasonCode.NOTHING_TOLD),)


def _spent_ms(attempt: StoredAttempt, report: Report, now_unix_ms: int) -> int:
    """What an attempt took besides waiting, ms.

    By the device's clock, which may be set, or since it was leased, whichever is less.
    """
    told_ms = report.ended_at_unix_ms - report.started_at_unix_ms
    took_ms = min(told_ms, now_unix_ms - attempt.leased_at_unix_ms)
    return max(0, took_ms - report.waited_ms)
