"""What follows from the turns that were taken: more of them, or a job's end with its figures."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controller.domain.errors import EdgerankError
from controller.domain.jobs import OpenJob
from controller.fleet.rounds.ending import Settled, end_settled, may_end_something
from controller.fleet.rounds.expecting import expected_of
from controller.fleet.rounds.foretelling import foretold_of
from controller.fleet.rounds.networks import known_networks
from controller.fleet.rounds.others import elsewhere_of, forget_others
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
from controller.state.jobs import has_open_candidates, list_open_places
from controller.state.measurements.foretold import keep_foretold
from controller.state.rounds.courses import (
    Place,
    StoredCourse,
    read_course,
    read_courses,
    set_repeated,
    set_still_racing,
)
from controller.state.rounds.readings import count_since_reading, jobs_before, list_readings
from controller.state.rounds.turns import (
    LeasedTurn,
    append_turns,
    list_open_jobs,
    open_jobs_among,
)
from controller.state.sweeps import running_sweeps
from protos.log_lines import event_log
from protos.reasons import ReasonCode, reason

log = event_log(__name__)


@dataclass(frozen=True)
class Following:
    """What follows from a report besides turns, once it is committed.

    Attributes:
        race: where a round of a race is over, see `follow_race`; None elsewhere.
        settled: what may end, see `end_settled`; None where nothing can.
    """

    race: Place | None = None
    settled: Settled | None = None


@dataclass(frozen=True, kw_only=True)
class _Race:
    """How a race stands on a device, of which what follows is a pure function."""

    course: Course
    has_open_turns: bool
    jobs: Sequence[OpenJob]
    candidates: Sequence[RacingJob]


def settle_report(database: Database, turn: LeasedTurn, now_unix_ms: int) -> bool:
    """Does what follows from one report, and ends what may end.

    Returns:
        Whether a round of a race is over, see `follow_race`.
    """
    (following,) = settle_reports(database, [turn])
    if following.settled is not None:
        end_settled(database, [following.settled], now_unix_ms)
    return following.race is not None


def settle_reports(database: Database, turns: Sequence[LeasedTurn]) -> list[Following]:
    """Lets turns follow on reports, and tells what else does; doing it again changes nothing.

    While others are still to be taken, this looks at a turn's own job, and after a reading at the
    jobs that it tells of, so that its cost is that of a report. What follows when all were taken
    looks at every job that has not ended.

    Args:
        database: where they are remembered.
        turns: of different devices.

    Returns:
        For each what else follows, which is to be done where no other writes wait for it.
    """
    found: list[Following] = []
    with database.writing() as transaction:
        courses = _find_courses(transaction, [turn.place for turn in turns])
        stored = {turn: courses[turn.place] for turn in turns}
        own = _own_jobs(transaction, stored)
        for turn, course in stored.items():
            if course is None or _awaits_reading(transaction, turn, course):
                found.append(Following())
                continue
            jobs = _told_of(transaction, turn, course, own)
            settled = _settle(transaction, turn.place, course, jobs)
            if settled is None:
                found.append(Following(race=turn.place))
            elif may_end_something(transaction, settled):
                found.append(Following(settled=settled))
            else:
                found.append(Following())
    return found


def _own_jobs(
    transaction: Transaction, stored: Mapping[LeasedTurn, StoredCourse | None]
) -> Mapping[str, OpenJob]:
    """The jobs of turns, by their ids; of those that have not ended."""
    among = [
        turn.job_id
        for turn, course in stored.items()
        if course and course.has_open_turns and turn.job_id != course.sentinel
    ]
    return {job.job_id: job for job in open_jobs_among(transaction, among)}


def _told_of(
    transaction: Transaction, turn: LeasedTurn, stored: StoredCourse, own: Mapping[str, OpenJob]
) -> Sequence[OpenJob] | None:
    """The jobs that a report may tell the end of; None is all of its sweep on its device."""
    if not stored.has_open_turns:
        return None
    if turn.job_id == stored.sentinel:
        # Two readings tell whether a change lasts.
        before = jobs_before(transaction, turn, 2 * (SENTINEL_EVERY + 1))
        return open_jobs_among(transaction, before)
    return [own[turn.job_id]] if turn.job_id in own else []


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
        settled = _settle_race(database, place)
        if settled is not None:
            end_settled(database, [settled], now_unix_ms)


def settle_all(database: Database) -> list[Settled]:
    """Lets turns follow on what was taken before the controller stopped, and was not settled.

    Returns:
        What may end, see `end_settled`.
    """
    return [
        settled
        for sweep in running_sweeps(database)
        for settled in _settle_places(database, sweep.sweep_id)
    ]


def settle_sweep(database: Database, sweep_id: str, now_unix_ms: int) -> None:
    """Settles what was taken of a sweep on any device, and ends what may end."""
    for settled in _settle_places(database, sweep_id):
        end_settled(database, [settled], now_unix_ms)


def measured_of_race(database: Database, sweep_id: str) -> list[Settled]:
    """What was measured of a race that is cancelled, to be ended with the figures that it has."""
    return [_measured(database, place) for place in list_open_places(database, sweep_id)]


def _measured(database: Database, place: Place) -> Settled:
    with database.transaction() as transaction:
        race = _read_race(transaction, place)
    undecided = {
        job.job_id: reason(ReasonCode.RACE_UNDECIDED, repetitions=len(job.medians_ms))
        for job in race.jobs
        if job.medians_ms
    }
    return Settled(place, race.course, list(undecided), True, undecided)


def _settle_places(database: Database, sweep_id: str) -> Iterator[Settled]:
    for place in list_open_places(database, sweep_id):
        with database.writing() as transaction:
            stored = _find_course(transaction, place)
            if stored is None:
                continue
            settled = _settle(transaction, place, stored, None)
        settled = settled or _settle_race(database, place)
        if settled is not None:
            yield settled


def _awaits_reading(transaction: Transaction, turn: LeasedTurn, stored: StoredCourse) -> bool:
    """Whether only a reading that is to come tells whether what was taken is steady."""
    return (
        stored.open_sentinel is not None
        and stored.has_open_turns
        and turn.job_id != stored.sentinel
        and has_open_candidates(transaction, turn.place)
    )


def _settle(
    transaction: Transaction,
    place: Place,
    stored: StoredCourse,
    among: Sequence[OpenJob] | None,
) -> Settled | None:
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
    jobs = list_open_jobs(transaction, place) if among is None else among
    complete = [job.job_id for job in jobs if is_complete(job, course)]
    has_turns_left = stored.has_open_turns
    if among is None and not has_turns_left:
        rest = [job for job in jobs if job.job_id not in complete]
        has_turns_left = _go_on(
            transaction, place, next_turns(rest, course, _rng(place, course)), course
        )
        if not has_turns_left:
            complete = [job.job_id for job in jobs]
    return Settled(place, course, complete, has_turns_left)


def _settle_race(database: Database, place: Place) -> Settled | None:
    """Lets the next round of a race follow, and finds who has lost it.

    It is decided while others write, and again if that changed the race. None where somebody else
    let the round follow meanwhile.
    """
    networks, others = known_networks(database), elsewhere_of(database, place)
    while True:
        with database.transaction() as transaction:
            race = _read_race(transaction, place)
            learned = list_learned(transaction, place)
        if race.has_open_turns:
            return None
        course = race.course
        deviation = course_deviation(course)
        expected = expected_of(race.candidates, learned, networks, deviation, others)
        after = next_round(race.jobs, race.candidates, expected, course, _rng(place, course))
        with database.writing() as transaction:
            # A job may have failed meanwhile, as one whose file could not be made.
            if _read_race(transaction, place) == race:
                set_still_racing(transaction, place, after.open_count)
                has_turns_left = _go_on(transaction, place, after.turns, course)
                foretold = foretold_of(after.turns.jobs, expected)
                keep_foretold(transaction, place.device_id, foretold)
                break
    if has_turns_left:
        return Settled(place, course, list(after.lost), True, after.lost)
    forget_others(database, place)
    everyone = [each.job_id for each in race.candidates if not each.has_ended]
    return Settled(place, course, everyone, False, {**after.undecided, **after.lost})


def _read_race(transaction: Transaction, place: Place) -> _Race:
    stored = read_course(transaction, place)
    return _Race(
        course=_course(transaction, stored),
        has_open_turns=stored.has_open_turns,
        jobs=list_open_jobs(transaction, place),
        candidates=racing_jobs(transaction, place),
    )


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
    return _find_courses(transaction, [place])[place]


def _find_courses(
    transaction: Transaction, places: Sequence[Place]
) -> Mapping[Place, StoredCourse | None]:
    """How sweeps stand on devices; None where it cannot be read, so that it stays as it is."""
    found: dict[Place, StoredCourse | None] = {}
    for place, stored in read_courses(transaction, places).items():
        found[place] = None if isinstance(stored, EdgerankError) else stored
        if isinstance(stored, EdgerankError):
            facts = {"sweep": place.sweep_id, "device_id": place.device_id}
            log.error("a sweep cannot go on where it is damaged", **facts, error=stored)
    return found


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
