"""How attempts end that are reported: each is committed once, with every raw sample."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import Final

from controller.domain.jobs import (
    FEWEST_REPETITIONS,
    AttemptState,
    JobState,
    TurnState,
)
from controller.figures.outputs import wrong_output
from controller.figures.statistics import median_of
from controller.fleet.credibility import answering, credible
from controller.fleet.credibility.saying import MAX_DETAIL_LENGTH
from controller.fleet.leasing.losing import LostAttempt, fetch_again
from controller.fleet.leasing.one_each import of_one_each
from controller.fleet.rounds.settling import Following, settle_reports
from controller.fleet.standing.changing import attempt_reported
from controller.state.attempts.stored import StoredAttempt, find_attempts
from controller.state.database import Database, Transaction
from controller.state.jobs.ending import end_job, fail_job
from controller.state.profiles import record_profile
from controller.state.rounds.courses import add_waiting
from controller.state.rounds.endings import Taken, Taking, set_reported, take_turns
from controller.state.rounds.repetitions import NewRepetition, record_repetitions
from controller.state.rounds.turns import count_others, skip_turn, state_before
from controller.state.schema.columns import Unreadable
from protos.fleet import Report, failed
from protos.measuring import MeasureSettings
from protos.names import is_name
from protos.reasons import Reason, ReasonCode, reason


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
_NOTHING: Final = Following()


@dataclass(frozen=True)
class Came:
    """A report as it came in: of which device, and when by this side's clock."""

    device_id: str
    said: SaidReport
    now_unix_ms: int


@dataclass(frozen=True)
class Recorded:
    """What became of a report.

    Attributes:
        is_new: whether it changed anything.
        refusal: why what the agent reported is not what is recorded; empty where it is.
        in_vain: what it told of an attempt whose artifact did not come whole.
        quarantined: why its device is in quarantine from now on; empty where it is not.
        following: what else is to be done, now that it is committed.
    """

    is_new: bool
    refusal: str = ""
    in_vain: LostAttempt | None = None
    quarantined: tuple[Reason, ...] = ()
    following: Following = _NOTHING


class _Change(Enum):
    """What a report changed."""

    NOTHING = auto()
    # A repetition was taken of a job that has others to be taken, so that nothing follows.
    ONE_OF_SEVERAL = auto()
    MORE = auto()


@dataclass(kw_only=True)
class _Known:
    """A report of an attempt that is known, and what it changed so far."""

    came: Came
    attempt: StoredAttempt
    report: Report
    refusal: str
    change: _Change = _Change.NOTHING
    in_vain: LostAttempt | None = None
    quarantined: tuple[Reason, ...] = ()
    following: Following = _NOTHING

    @property
    def is_cancelled_only(self) -> bool:
        """Whether it tells no more than that this side wanted it to end, and gave its turn on."""
        is_cancelled = self.report.failure is not None and (
            self.report.failure.code is ReasonCode.ATTEMPT_CANCELLED
        )
        return is_cancelled and self.attempt.state in (AttemptState.GIVEN_BACK, AttemptState.LOST)

    @property
    def is_undelivered(self) -> bool:
        """Whether it failed since its files did not come whole, or are others by now."""
        code = self.report.failure.code if self.report.failure is not None else None
        if code is ReasonCode.ARTIFACT_BROKEN:
            return self.attempt.has_other_files
        return code is ReasonCode.ARTIFACT_DAMAGED

    @property
    def why_failed(self) -> tuple[Reason, ...]:
        """Why there is nothing in it, or nothing that counts; empty where there is something."""
        report = self.report
        if report.measured is not None:
            check = report.measured.repetition.output_check
            return wrong_output(check, self.attempt.output_tolerance)
        if report.profiled is not None:
            return ()
        return report.failure.reasons if report.failure else (reason(ReasonCode.NOTHING_TOLD),)

    @property
    def spent_ms(self) -> int:
        """What it took besides waiting, ms.

        By the device's clock, which may be set, or since it was leased, whichever is less.
        """
        told_ms = self.report.ended_at_unix_ms - self.report.started_at_unix_ms
        took_ms = min(told_ms, self.came.now_unix_ms - self.attempt.leased_at_unix_ms)
        return max(0, took_ms - self.report.waited_ms)


def record_reports(database: Database, came: Sequence[Came]) -> list[Recorded]:
    """Commits how attempts ended, unless one is none of its device or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing. A job ends with the
    first failure or with its profile. A repetition whose outputs are wrong is a failure, and is
    kept. What cannot be read or believed ends it as a failure, and is refused besides. A repetition
    that the device was not ready for is left out where enough others are there, and a reading of a
    sentinel where the one before it was not. One whose artifact did not come whole, or was replaced
    before it came, is tried again. That an attempt was cancelled whose turn this side gave on
    before is no failure of its job. A race does not go on by itself, nor does a job end of which no
    repetition is missing any more, see `Recorded`.

    Returns:
        What became of each, in their order.
    """
    return of_one_each(came, lambda each: each.device_id, partial(_record, database))


def _record(database: Database, came: Sequence[Came]) -> list[Recorded]:
    """Commits reports of different devices."""
    with database.writing() as transaction:
        known = _known(transaction, came)
        _end_attempts(transaction, list(known.values()))
        for each in known.values():
            if each.attempt.state is not AttemptState.REPORTED and not each.is_cancelled_only:
                each.quarantined = attempt_reported(
                    transaction, each.attempt, each.why_failed, each.came.now_unix_ms
                )
    # Again for a repeated report: the first may have been committed and not settled.
    following = [
        each
        for each in known.values()
        if each.change is not _Change.ONE_OF_SEVERAL or each.attempt.is_sentinel
    ]
    _settle(database, following)
    return [_recorded(each, known.get(each.device_id)) for each in came]


def _settle(database: Database, settling: Sequence[_Known]) -> None:
    """Lets turns follow on reports, and finds what else does."""
    if not settling:
        return
    found = settle_reports(database, [each.attempt.turn for each in settling])
    for each, following in zip(settling, found, strict=True):
        each.following = following


def _known(transaction: Transaction, came: Sequence[Came]) -> dict[str, _Known]:
    """The reports of attempts that were made on their devices, by device."""
    # No attempt has an id that is no name, and not every database takes every text.
    named = [each.said.attempt_id for each in came if is_name(each.said.attempt_id)]
    found = find_attempts(transaction, named)
    known = {}
    for each in came:
        attempt = found.get(each.said.attempt_id)
        if attempt is not None and attempt.turn.place.device_id == each.device_id:
            report, refusal = judged(each.said, attempt.settings)
            known[each.device_id] = _Known(
                came=each, attempt=attempt, report=report, refusal=refusal
            )
    return known


def _recorded(came: Came, known: _Known | None) -> Recorded:
    if known is None:
        return Recorded(is_new=False, refusal=_of_nobody(came.said))
    is_new = known.change is not _Change.NOTHING
    return Recorded(is_new, known.refusal, known.in_vain, known.quarantined, known.following)


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


def _end_attempts(transaction: Transaction, known: Sequence[_Known]) -> None:
    ending: list[_Known] = []
    for each in known:
        if each.is_undelivered:
            _fetch_again(transaction, each)
        elif not each.is_cancelled_only:
            ending.append(each)
    new = [each for each in ending if each.attempt.state is not AttemptState.REPORTED]
    set_reported(transaction, [each.report.attempt_id for each in new])
    waited = [(each.attempt.turn.place, each.report.waited_ms) for each in new]
    add_waiting(transaction, [(place, ms) for place, ms in waited if ms])
    taking: list[_Known] = []
    for each in ending:
        if each.report.measured is not None or each.report.profiled is not None:
            taking.append(each)
        elif _may_be_left_out(transaction, each):
            is_new = skip_turn(transaction, each.attempt.turn, spent_ms=each.spent_ms)
            each.change = _Change.MORE if is_new else _Change.NOTHING
        else:
            each.change = _Change.MORE if _fail(transaction, each) else _Change.NOTHING
    _take(transaction, taking)


def _fetch_again(transaction: Transaction, known: _Known) -> None:
    attempt_id, why = known.report.attempt_id, known.why_failed
    known.in_vain = fetch_again(transaction, attempt_id, why, known.came.now_unix_ms)
    known.change = _Change.NOTHING if known.in_vain is None else _Change.MORE


def _may_be_left_out(transaction: Transaction, known: _Known) -> bool:
    failure, turn = known.report.failure, known.attempt.turn
    if failure is None or failure.code is not ReasonCode.NOT_READY:
        return False
    if known.attempt.is_sentinel:
        return state_before(transaction, turn) is not TurnState.NOT_READY
    return count_others(transaction, turn) >= FEWEST_REPETITIONS


def _fail(transaction: Transaction, known: _Known) -> bool:
    job_id = known.attempt.turn.job_id
    return fail_job(transaction, job_id, known.why_failed, known.came.now_unix_ms)


def _take(transaction: Transaction, taking: Sequence[_Known]) -> None:
    """Takes the turns of reports that have something in them, and keeps that."""
    ended = take_turns(transaction, [_taking(each) for each in taking])
    taken = [(each, done) for each, done in zip(taking, ended, strict=True) if done is not None]
    record_repetitions(transaction, [new for each, _ in taken for new in _repetitions(each)])
    for each, done in taken:
        each.change = _after(transaction, each, done)


def _taking(known: _Known) -> Taking:
    attempt, measured = known.attempt, known.report.measured
    return Taking(
        turn=attempt.turn,
        standing=attempt.turn_standing,
        job_state=attempt.job_state,
        block=None if attempt.is_sentinel else attempt.reading_count,
        median_ms=None if measured is None else median_of(measured.repetition),
        spent_ms=known.spent_ms,
    )


def _repetitions(known: _Known) -> list[NewRepetition]:
    report, turn = known.report, known.attempt.turn
    if report.measured is None:
        return []
    return [
        NewRepetition(
            job_id=turn.job_id,
            ordinal=turn.ordinal,
            measured=report.measured,
            waited_ms=report.waited_ms,
            taken_at_unix_ms=report.ended_at_unix_ms,
        )
    ]


def _after(transaction: Transaction, known: _Known, taken: Taken) -> _Change:
    """What follows at once on a turn that was taken."""
    report, job_id = known.report, known.attempt.turn.job_id
    if report.profiled is not None:
        now_unix_ms = known.came.now_unix_ms
        record_profile(transaction, job_id, report.profiled, report.ended_at_unix_ms, now_unix_ms)
        # At once: a job ends by its repetitions, and this one has none.
        end_job(transaction, job_id, JobState.DONE)
    # With its samples kept, which tell how long it took to compute something else.
    if known.why_failed and _fail(transaction, known):
        return _Change.MORE
    return _Change.ONE_OF_SEVERAL if taken.has_more else _Change.MORE


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
