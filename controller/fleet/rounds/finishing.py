"""How jobs end that have all that they are to have: their figures are derived, and kept."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from controller.domain.jobs import JobState
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.steps import Steps, keep, look
from controller.fleet.rounds.turns import Course
from controller.state.database import Database
from controller.state.jobs.ending import ToldJob, end_jobs, read_told, record_failure
from controller.state.measurements import Conclusion, record_conclusions
from controller.state.rounds.repetitions import (
    TakenRepetition,
    count_taken,
    mark_suspect,
    taken_before,
    taken_of,
)
from controller.state.schema.unreadable import first_unreadable
from protos.measuring import MeasureSettings
from protos.reasons import Reason, ReasonCode, reason

# The samples of so many are held at once: a repetition may have 200,000, of 8 MB.
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job that is to end; `more` is why it does besides what its repetitions tell."""

    job_id: str
    course: Course
    more: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Derived:
    """What follows from a job's repetitions, not kept yet.

    Attributes:
        job_id: whose.
        conclusion: its figures and verdict; None where there is no repetition, or none to be read.
        suspects: the ordinals of its repetitions that figures are derived without.
        unreadable: what of it cannot be read; empty where all can.
        own_count: how many repetitions it has of its own, beside those of earlier races.
    """

    job_id: str
    own_count: int
    conclusion: Conclusion | None = None
    suspects: Sequence[int] = ()
    unreadable: str = ""


def finish_jobs(finished: Sequence[Finished]) -> Steps[None]:
    """Derives jobs' figures and ends them; those that ended before stay as they are.

    A job without any repetition, as of a sentinel whose sweep failed before, ends without a
    measurement. One of which anything cannot be read any more ends as a failure.
    """
    for start in range(0, len(finished), _AT_ONCE):
        left = finished[start : start + _AT_ONCE]
        while left:
            derived = yield from look(derive, left)
            grown = yield from keep(keep_derived, derived)
            left = [each for each in left if each.job_id in grown]


def derive(database: Database, finished: Sequence[Finished]) -> list[Derived]:
    """What follows from the repetitions of those jobs that have not ended; it writes nothing."""
    ids = [each.job_id for each in finished]
    with database.transaction() as transaction:
        found = read_told(transaction, ids)
        # Gone with its device, or ended meanwhile.
        told = {job_id: each for job_id, each in found.items() if not each.has_ended}
        before, since = taken_before(transaction, told), taken_of(transaction, told)
    jobs = {each.job_id: each for each in finished if each.job_id in told}
    return [
        _derived(job, before[job_id], since[job_id], told[job_id]) for job_id, job in jobs.items()
    ]


def keep_derived(
    database: Database, derived: Sequence[Derived], now_unix_ms: int
) -> frozenset[str]:
    """Ends jobs with what was derived of them; those that ended meanwhile stay as they are.

    Returns:
        The ids of those that had another repetition meanwhile, and are to be derived anew.
    """
    with database.transaction() as transaction:
        counts = count_taken(transaction, [each.job_id for each in derived])
    grown = frozenset(each.job_id for each in derived if counts[each.job_id] != each.own_count)
    _end(database, [each for each in derived if each.job_id not in grown], now_unix_ms)
    return grown


def _end(database: Database, derived: Sequence[Derived], now_unix_ms: int) -> None:
    for each in derived:
        if each.unreadable:
            why = reason(ReasonCode.JOB_UNREADABLE, {"detail": each.unreadable})
            record_failure(database, each.job_id, (why,), now_unix_ms)
    empty = [each.job_id for each in derived if not each.conclusion and not each.unreadable]
    concluded = {each.job_id: each.conclusion for each in derived if each.conclusion}
    with database.writing() as transaction:
        end_jobs(transaction, empty, JobState.CANCELLED)
        ended = end_jobs(transaction, list(concluded), JobState.DONE)
        kept = {job_id: concluded[job_id] for job_id in concluded if job_id in ended}
        record_conclusions(transaction, kept, now_unix_ms)
        for each in derived:
            if each.job_id in kept:
                mark_suspect(transaction, each.job_id, each.suspects)


def _derived(
    job: Finished,
    before: Sequence[TakenRepetition],
    since: Sequence[TakenRepetition],
    told: ToldJob,
) -> Derived:
    taken = [*before, *since]
    if unreadable := _unreadable(told.settings, taken):
        return Derived(job_id=job.job_id, own_count=len(since), unreadable=unreadable)
    if not taken:
        return Derived(job_id=job.job_id, own_count=0)
    assert isinstance(told.settings, MeasureSettings)
    found = conclude(taken, told.settings, job.course, told.not_ready)
    return Derived(
        job_id=job.job_id,
        own_count=len(since),
        conclusion=replace(found, reasons=(*found.reasons, *job.more)),
        suspects=[each.ordinal for each in taken if each.block in job.course.suspects],
    )


def _unreadable(settings: object, taken: Sequence[TakenRepetition]) -> str:
    """What of a job cannot be read; empty when all can."""
    of_repetitions = (
        (f"{field.name} of repetition {each.ordinal}", getattr(each.repetition, field.name))
        for each in taken
        for field in fields(each.repetition)
    )
    return first_unreadable((("settings", settings), *of_repetitions))
