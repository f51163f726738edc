"""How jobs end that have all that they are to have: their figures are derived, and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from controller.domain.jobs import JobState
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.turns import Course
from controller.state.database import Database
from controller.state.jobs.ending import ToldJob, end_jobs, read_told, record_failure
from controller.state.measurements import Conclusion, record_conclusions
from controller.state.rounds.repetitions import (
    TakenRepetition,
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
class _Ending:
    """Such a job with what is known of it, and what follows from that."""

    job: Finished
    taken: Sequence[TakenRepetition]
    conclusion: Conclusion | None

    @property
    def suspects(self) -> list[int]:
        """Its repetitions that figures are derived without."""
        return [each.ordinal for each in self.taken if each.block in self.job.course.suspects]


def finish_jobs(database: Database, finished: Sequence[Finished], now_unix_ms: int) -> None:
    """Derives jobs' figures and ends them; those that ended before stay as they are.

    A job without any repetition, as of a sentinel whose sweep failed before, ends without a
    measurement. One of which anything cannot be read any more ends as a failure.
    """
    for start in range(0, len(finished), _AT_ONCE):
        _finish(database, finished[start : start + _AT_ONCE], now_unix_ms)


def _finish(database: Database, finished: Sequence[Finished], now_unix_ms: int) -> None:
    ids = [each.job_id for each in finished]
    with database.transaction() as transaction:
        told = read_told(transaction, ids)
        before, since = taken_before(transaction, ids), taken_of(transaction, ids)
    endings = []
    for job in finished:
        taken = [*before[job.job_id], *since[job.job_id]]
        if unreadable := _unreadable(told[job.job_id].settings, taken):
            why = reason(ReasonCode.JOB_UNREADABLE, {"detail": unreadable})
            record_failure(database, job.job_id, (why,), now_unix_ms)
        else:
            conclusion = _concluded(job, taken, told) if taken else None
            endings.append(_Ending(job=job, taken=taken, conclusion=conclusion))
    _end(database, endings, now_unix_ms)


def _concluded(
    job: Finished, taken: Sequence[TakenRepetition], told: Mapping[str, ToldJob]
) -> Conclusion:
    of_job = told[job.job_id]
    assert isinstance(of_job.settings, MeasureSettings)
    found = conclude(taken, of_job.settings, job.course, of_job.not_ready)
    return replace(found, reasons=(*found.reasons, *job.more))


def _end(database: Database, endings: Sequence[_Ending], now_unix_ms: int) -> None:
    empty = [each.job.job_id for each in endings if each.conclusion is None]
    done = [each.job.job_id for each in endings if each.conclusion is not None]
    with database.writing() as transaction:
        end_jobs(transaction, empty, JobState.CANCELLED)
        ended = end_jobs(transaction, done, JobState.DONE)
        kept = [each for each in endings if each.job.job_id in ended]
        conclusions = {each.job.job_id: each.conclusion for each in kept if each.conclusion}
        record_conclusions(transaction, conclusions, now_unix_ms)
        for each in kept:
            mark_suspect(transaction, each.job.job_id, each.suspects)


def _unreadable(settings: object, taken: Sequence[TakenRepetition]) -> str:
    """What of a job cannot be read; empty when all can."""
    of_repetitions = (
        (f"{field.name} of repetition {each.ordinal}", getattr(each.repetition, field.name))
        for each in taken
        for field in fields(each.repetition)
    )
    return first_unreadable((("settings", settings), *of_repetitions))
