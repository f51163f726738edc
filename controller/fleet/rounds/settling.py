"""What follows from the turns that were taken: more of them, or a job's end with its figures."""

import random
from collections.abc import Sequence

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState, OpenJob
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.turns import (
    SENTINEL_EVERY,
    Course,
    is_complete,
    next_turns,
    with_readings,
)
from controller.state.database import Database, Transaction
from controller.state.jobs import (
    end_job,
    has_open_candidates,
    read_settings,
)
from controller.state.measurements import record_conclusion
from controller.state.rounds.courses import (
    Place,
    find_sentinel,
    is_read,
    list_open_places,
    read_course,
    set_repeated,
)
from controller.state.rounds.repetitions import list_taken, mark_suspect
from controller.state.rounds.turns import (
    LeasedTurn,
    append_turns,
    count_not_ready,
    count_since_reading,
    has_open_turns,
    jobs_before,
    list_open_jobs,
    list_readings,
)
from controller.state.sweeps import end_finished, running_sweeps
from protos.log_lines import event_log

log = event_log(__name__)


def settle_report(database: Database, turn: LeasedTurn, now_unix_ms: int) -> None:
    """Does what follows from one report; doing it again changes nothing.

    While others are still to be taken, this looks at the turn's own job, and after a reading at the
    jobs that it tells of, so that its cost is that of a report. What follows when all were taken
    looks at every job that has not ended.
    """
    with database.transaction() as transaction:
        if not has_open_turns(transaction, turn.place):
            among = None
        elif turn.job_id == find_sentinel(transaction, turn.place):
            # Two readings tell whether a change lasts.
            among = jobs_before(transaction, turn, 2 * (SENTINEL_EVERY + 1))
        elif is_read(transaction, turn.place) and has_open_candidates(transaction, turn.place):
            # Only a reading tells whether it is steady.
            return
        else:
            among = [turn.job_id]
    settle_turns(database, turn.place, among, now_unix_ms)


def settle_all(database: Database, now_unix_ms: int) -> None:
    """Settles what was taken before the controller stopped and not settled any more."""
    for sweep in running_sweeps(database):
        settle_sweep(database, sweep.sweep_id, now_unix_ms)


def settle_sweep(database: Database, sweep_id: str, now_unix_ms: int) -> None:
    """Settles what was taken of a sweep on any device."""
    for place in list_open_places(database, sweep_id):
        settle_turns(database, place, None, now_unix_ms)


def settle_turns(
    database: Database, place: Place, among: Sequence[str] | None, now_unix_ms: int
) -> None:
    """Ends the jobs that are complete, and lets turns follow where none is open.

    With the last of its jobs the sweep ends. A sweep that cannot be read stays as it is.

    Args:
        database: the controller's.
        place: sweep and device.
        among: the jobs to look at; None is all.
        now_unix_ms: by the controller's clock.
    """
    with database.writing() as transaction:
        try:
            course = _read_course(transaction, place)
        except EdgerankError as error:
            if error.code is not ErrorCode.DAMAGED:
                raise
            facts = {"sweep": place.sweep_id, "device_id": place.device_id}
            log.error("a sweep cannot go on where it is damaged", **facts, error=error)
            return
        jobs = list_open_jobs(transaction, place, among)
        is_open = has_open_turns(transaction, place)
        complete = [job.job_id for job in jobs if is_complete(job, course)]
        if not is_open and among is None:
            rest = [job for job in jobs if job.job_id not in complete]
            if not _go_on(transaction, place, rest, course):
                complete = [job.job_id for job in jobs]
    for job_id in complete:
        finish_job(database, job_id, course, now_unix_ms)
    _end_sentinel(database, place, course, now_unix_ms)
    end_finished(database, now_unix_ms, place.sweep_id)


def _go_on(transaction: Transaction, place: Place, jobs: Sequence[OpenJob], course: Course) -> bool:
    """Lets turns follow on those that were taken; False when there is nothing more to take."""
    sentinel = course.sentinel
    # The same again, should the controller stop before it is committed.
    rng = random.Random(f"{place.sweep_id} {place.device_id} {course.spread.degrees}")
    following = next_turns(jobs, course, rng)
    order = following.jobs
    if sentinel is not None:
        since = count_since_reading(transaction, place, sentinel)
        # What is taken again has a reading before it: the one that made it needed had changed.
        before = (sentinel,) if following.is_repeat and order else ()
        order = (*before, *with_readings(order, sentinel, 0 if before else since))
        if following.reading:
            order = (*order, sentinel)
    if following.is_repeat:
        set_repeated(transaction, place)
    append_turns(transaction, place, order)
    return bool(order)


def _read_course(transaction: Transaction, place: Place) -> Course:
    readings_ms = list_readings(transaction, find_sentinel(transaction, place))
    return Course(**vars(read_course(transaction, place)), readings_ms=readings_ms)


def _end_sentinel(database: Database, place: Place, course: Course, now_unix_ms: int) -> None:
    """Ends the sentinel of jobs that have all ended."""
    if course.sentinel is None:
        return
    with database.transaction() as transaction:
        if has_open_candidates(transaction, place):
            return
    finish_job(database, course.sentinel, course, now_unix_ms)


def finish_job(database: Database, job_id: str, course: Course, now_unix_ms: int) -> None:
    """Derives a job's figures and ends it; one that ended before stays as it is.

    A job without any repetition, as of a sentinel whose sweep failed before, ends without a
    measurement.
    """
    with database.writing() as transaction:
        settings = read_settings(transaction, job_id)
        taken = list_taken(transaction, job_id)
        not_ready = count_not_ready(transaction, job_id)
        if not taken:
            end_job(transaction, job_id, JobState.CANCELLED)
            return
    conclusion = conclude(taken, settings, course, not_ready)
    with database.writing() as transaction:
        if end_job(transaction, job_id, JobState.DONE):
            record_conclusion(transaction, job_id, conclusion, now_unix_ms)
            suspect = [each.ordinal for each in taken if each.block in course.suspects]
            mark_suspect(transaction, job_id, suspect)
