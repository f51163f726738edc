"""What follows from the turns that were taken: more of them, or a job's end with its figures."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState, OpenJob
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.expecting import expected_of
from controller.fleet.rounds.networks import known_networks
from controller.fleet.rounds.racing import course_deviation, next_round
from controller.fleet.rounds.turns import (
    SENTINEL_EVERY,
    Course,
    NextTurns,
    is_complete,
    next_turns,
    with_readings,
)
from controller.state.catalog.candidates import RacingJob, list_learned, racing_jobs
from controller.state.database import Database, Transaction
from controller.state.jobs import (
    end_job,
    has_open_candidates,
    read_told,
    record_failure,
)
from controller.state.measurements import record_conclusion
from controller.state.rounds.courses import (
    Place,
    StoredCourse,
    list_open_places,
    read_course,
    set_repeated,
    set_still_racing,
)
from controller.state.rounds.readings import count_since_reading, jobs_before, list_readings
from controller.state.rounds.repetitions import (
    TakenRepetition,
    list_taken,
    list_taken_before,
    mark_suspect,
)
from controller.state.rounds.turns import (
    LeasedTurn,
    append_turns,
    list_open_jobs,
)
from controller.state.schema.unreadable import first_unreadable
from controller.state.sweeps import end_finished, running_sweeps
from protos.log_lines import event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)


@dataclass(frozen=True)
class _Settled:
    """What was found of a sweep on a device: the jobs that are complete, and if turns are left.

    Beside it what the race tells of some of these jobs, by id.
    """

    place: Place
    course: Course
    complete: Sequence[str]
    has_turns_left: bool
    raced: Mapping[str, Reason] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Race:
    """How a race stands on a device, of which what follows is a pure function."""

    course: Course
    has_open_turns: bool
    jobs: Sequence[OpenJob]
    candidates: Sequence[RacingJob]


def settle_report(database: Database, turn: LeasedTurn, now_unix_ms: int) -> bool:
    """Does what follows from one report; doing it again changes nothing.

    While others are still to be taken, this looks at the turn's own job, and after a reading at the
    jobs that it tells of, so that its cost is that of a report. What follows when all were taken
    looks at every job that has not ended.

    Returns:
        Whether a round of a race is over; then `follow_race` is to be called, where no other writes
        wait for it.
    """
    with database.writing() as transaction:
        stored = _find_course(transaction, turn.place)
        if stored is None or _awaits_reading(transaction, turn, stored):
            return False
        if not stored.has_open_turns:
            among = None
        elif turn.job_id == stored.sentinel:
            # Two readings tell whether a change lasts.
            among = jobs_before(transaction, turn, 2 * (SENTINEL_EVERY + 1))
        else:
            among = [turn.job_id]
        settled = _settle(transaction, turn.place, stored, among)
    _finish(database, settled, now_unix_ms)
    return settled is None


def settle_and_follow(database: Database, turn: LeasedTurn, now_unix_ms: int) -> None:
    """Does what follows from one report, as `settle_report`, and lets a race go on."""
    if settle_report(database, turn, now_unix_ms):
        follow_race(database, turn.place, now_unix_ms)


def follow_race(database: Database, place: Place, now_unix_ms: int) -> None:
    """Lets the next round of a race follow on one that is over, or ends the race.

    What is expected of those that were not measured takes seconds to tell, during which others
    write: `database` is the whole one, not a part of what is committed as a group. Doing it again
    changes nothing, nor does doing it where no round of a race is over.
    """
    with database.transaction() as transaction:
        stored = _find_course(transaction, place)
    if stored is not None and stored.spec.race is not None and not stored.has_open_turns:
        _finish(database, _settle_race(database, place), now_unix_ms)


def settle_all(database: Database, now_unix_ms: int) -> None:
    """Settles what was taken before the controller stopped and not settled any more."""
    for sweep in running_sweeps(database):
        settle_sweep(database, sweep.sweep_id, now_unix_ms)


def settle_sweep(database: Database, sweep_id: str, now_unix_ms: int) -> None:
    """Settles what was taken of a sweep on any device."""
    for place in list_open_places(database, sweep_id):
        with database.writing() as transaction:
            stored = _find_course(transaction, place)
            if stored is None:
                continue
            settled = _settle(transaction, place, stored, None)
        _finish(database, settled or _settle_race(database, place), now_unix_ms)


def _awaits_reading(transaction: Transaction, turn: LeasedTurn, stored: StoredCourse) -> bool:
    """Whether only a reading that is to come tells whether what was taken is steady."""
    return (
        stored.open_sentinel is not None
        and stored.has_open_turns
        and turn.job_id != stored.sentinel
        and has_open_candidates(transaction, turn.place)
    )


def _settle(
    transaction: Transaction, place: Place, stored: StoredCourse, among: Sequence[str] | None
) -> _Settled | None:
    """Lets turns follow where none is open, and finds the jobs that are complete.

    None where a race decides on what follows, see `_settle_race`.

    Args:
        transaction: the caller's, which writes.
        place: sweep and device.
        stored: how the sweep stands there.
        among: the jobs to look at; None is all.
    """
    course = _course(transaction, stored)
    if among is None and not stored.has_open_turns and course.spec.race is not None:
        return None
    jobs = list_open_jobs(transaction, place, among)
    complete = [job.job_id for job in jobs if is_complete(job, course)]
    has_turns_left = stored.has_open_turns
    if among is None and not has_turns_left:
        rest = [job for job in jobs if job.job_id not in complete]
        has_turns_left = _go_on(
            transaction, place, next_turns(rest, course, _rng(place, course)), course
        )
        if not has_turns_left:
            complete = [job.job_id for job in jobs]
    return _Settled(place, course, complete, has_turns_left)


def _settle_race(database: Database, place: Place) -> _Settled | None:
    """Lets the next round of a race follow, and finds who has lost it.

    It is decided while others write, and again if that changed the race. None where somebody else
    let the round follow meanwhile.
    """
    networks = known_networks(database)
    while True:
        with database.transaction() as transaction:
            race = _read_race(transaction, place)
            learned = list_learned(transaction, place)
        if race.has_open_turns:
            return None
        course = race.course
        expected = expected_of(race.candidates, learned, networks, course_deviation(course))
        after = next_round(race.jobs, race.candidates, expected, course, _rng(place, course))
        with database.writing() as transaction:
            # A job may have failed meanwhile, as one whose file could not be made.
            if _read_race(transaction, place) == race:
                set_still_racing(transaction, place, after.open_count)
                has_turns_left = _go_on(transaction, place, after.turns, course)
                break
    if has_turns_left:
        return _Settled(place, course, list(after.lost), True, after.lost)
    everyone = [each.job_id for each in race.candidates if not each.has_ended]
    return _Settled(place, course, everyone, False, {**after.undecided, **after.lost})


def _read_race(transaction: Transaction, place: Place) -> _Race:
    stored = read_course(transaction, place)
    return _Race(
        course=_course(transaction, stored),
        has_open_turns=stored.has_open_turns,
        jobs=list_open_jobs(transaction, place),
        candidates=racing_jobs(transaction, place),
    )


def _finish(database: Database, settled: _Settled | None, now_unix_ms: int) -> None:
    """Ends what is complete, the sentinel after the last job, and after the last of all the sweep.

    While turns are left, there are jobs that have not ended.
    """
    if settled is None:
        return
    for job_id in settled.complete:
        raced = settled.raced.get(job_id)
        more = () if raced is None else (raced,)
        finish_job(database, job_id, settled.course, now_unix_ms, more)
    has_ended = _end_sentinel(database, settled.place, settled.course, now_unix_ms)
    if has_ended or not settled.has_turns_left:
        end_finished(database, now_unix_ms, settled.place.sweep_id)


def _rng(place: Place, course: Course) -> random.Random:
    # The same again, should the controller stop before it is committed.
    return random.Random(f"{place.sweep_id} {place.device_id} {course.spread.degrees}")


def _go_on(transaction: Transaction, place: Place, following: NextTurns, course: Course) -> bool:
    """Lets turns follow on those that were taken; False when there is nothing more to take."""
    sentinel = course.sentinel
    order = following.jobs
    if sentinel is not None:
        since = count_since_reading(transaction, place, sentinel)
        # What is taken again has a reading before it: the one that made it needed had changed. So
        # has the first round of a race that began with what was measured before.
        is_first = not course.readings_ms
        before = (sentinel,) if (following.is_repeat or is_first) and order else ()
        order = (*before, *with_readings(order, sentinel, 0 if before else since))
        if following.reading:
            order = (*order, sentinel)
    if following.is_repeat:
        set_repeated(transaction, place)
    append_turns(transaction, place, order)
    return bool(order)


def _find_course(transaction: Transaction, place: Place) -> StoredCourse | None:
    """How a sweep stands on a device; None where it cannot be read, so that it stays as it is."""
    try:
        return read_course(transaction, place)
    except EdgerankError as error:
        if error.code is not ErrorCode.DAMAGED:
            raise
        facts = {"sweep": place.sweep_id, "device_id": place.device_id}
        log.error("a sweep cannot go on where it is damaged", **facts, error=error)
        return None


def _course(transaction: Transaction, stored: StoredCourse) -> Course:
    return Course(
        spec=stored.spec,
        planned_ms=stored.planned_ms,
        spread=stored.spread,
        history=stored.history,
        spent_ms=stored.spent_ms,
        readings_ms=list_readings(transaction, stored.sentinel),
        sentinel=stored.open_sentinel,
        has_repeated=stored.has_repeated,
        is_to_be_watched=stored.sentinel is not None,
    )


def _end_sentinel(database: Database, place: Place, course: Course, now_unix_ms: int) -> bool:
    """Ends the sentinel of jobs that have all ended; whether it did."""
    if course.sentinel is None:
        return False
    with database.transaction() as transaction:
        if has_open_candidates(transaction, place):
            return False
    finish_job(database, course.sentinel, course, now_unix_ms)
    return True


def finish_job(
    database: Database,
    job_id: str,
    course: Course,
    now_unix_ms: int,
    more: tuple[Reason, ...] = (),
) -> None:
    """Derives a job's figures and ends it, for more reasons than these tell, if any.

    One that ended before stays as it is.

    A job without any repetition, as of a sentinel whose sweep failed before, ends without a
    measurement. One of which anything cannot be read any more ends as a failure.
    """
    with database.transaction() as transaction:
        settings, not_ready = read_told(transaction, job_id)
        taken = [*list_taken_before(transaction, job_id), *list_taken(transaction, job_id)]
    if unreadable := _unreadable(settings, taken):
        why = reason(ReasonCode.JOB_UNREADABLE, {"detail": unreadable})
        record_failure(database, job_id, (why,), now_unix_ms)
        return
    conclusion = conclude(taken, settings, course, not_ready) if taken else None
    with database.writing() as transaction:
        if conclusion is None:
            end_job(transaction, job_id, JobState.CANCELLED)
        elif end_job(transaction, job_id, JobState.DONE):
            told = replace(conclusion, reasons=(*conclusion.reasons, *more))
            record_conclusion(transaction, job_id, told, now_unix_ms)
            suspect = [each.ordinal for each in taken if each.block in course.suspects]
            mark_suspect(transaction, job_id, suspect)


def _unreadable(settings: object, taken: Sequence[TakenRepetition]) -> str:
    """What of a job cannot be read; empty when all can."""
    of_repetitions = (
        (f"{field.name} of repetition {each.ordinal}", getattr(each.repetition, field.name))
        for each in taken
        for field in fields(each.repetition)
    )
    return first_unreadable((("settings", settings), *of_repetitions))
