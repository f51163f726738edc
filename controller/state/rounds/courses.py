"""How sweeps stand on devices: kept up with each report, at the cost of that report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import ENDED, JobState
from controller.domain.sweeps import SweepSpec
from controller.figures.spread import UNKNOWN, Spread
from controller.state.database import Database, Transaction
from controller.state.schema import courses, device_spreads, jobs, sweeps
from controller.state.schema.columns import IsJson, Unreadable


@dataclass(frozen=True, kw_only=True)
class Place:
    """A sweep on a device, by their ids."""

    sweep_id: str
    device_id: str


@dataclass(frozen=True, kw_only=True)
class StoredCourse:
    """How a sweep stands on a device, as it is remembered.

    Attributes:
        spec: what was asked for.
        planned_ms: what it is planned to take there, ms.
        sentinel: the job that is one and can still be read; None without any.
        is_to_be_watched: whether there is one, failed or not.
        spread: of the processes so far.
        history: of earlier sweeps on the device.
        spent_ms: what all turns took, ms.
        has_repeated: whether what lay beside a change was taken again.
    """

    spec: SweepSpec
    planned_ms: int
    sentinel: str | None
    is_to_be_watched: bool
    spread: Spread
    history: Spread
    spent_ms: int
    has_repeated: bool


@dataclass(frozen=True, kw_only=True)
class NewCourse:
    """A sweep that begins on a device.

    Attributes:
        place: both.
        planned_ms: what it is planned to take there, ms.
        sentinel: the job that is one; None without any.
        turn_count: how many turns it begins with.
        expected_ms: what it is expected to take there, ms, by what was measured before; None of a
            profile.
    """

    place: Place
    planned_ms: int
    sentinel: str | None
    turn_count: int
    expected_ms: int | None


def open_courses(transaction: Transaction, begun: Sequence[NewCourse]) -> None:
    """Remembers that sweeps begin on devices."""
    rows = [
        {
            "device_id": course.place.device_id,
            "sweep_id": course.place.sweep_id,
            "planned_ms": course.planned_ms,
            "expected_ms": course.expected_ms,
            "waited_ms": 0,
            "sentinel_id": course.sentinel,
            "reading_count": 0,
            "turn_count": course.turn_count,
            "squares": 0.0,
            "degrees": 0,
            "spent_ms": 0,
            "has_repeated": False,
        }
        for course in begun
    ]
    if rows:
        transaction.execute(insert(courses), rows)


def read_course(transaction: Transaction, place: Place) -> StoredCourse:
    """How a sweep stands on a device.

    Raises:
        EdgerankError: DAMAGED when what was asked for cannot be read.
    """
    row = transaction.execute(
        _with_history(courses, sweeps.c.spec, jobs.c.state.label("sentinel_state"))
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .outerjoin(jobs, jobs.c.job_id == courses.c.sentinel_id)
        .where(_is_of(place))
    ).one()
    if isinstance(row.spec, Unreadable):
        raise EdgerankError(
            ErrorCode.DAMAGED,
            f"the sweep {place.sweep_id} cannot be read, and nothing follows on what is measured "
            "for it; cancel it, and start another one",
        )
    state: JobState | None = row.sentinel_state
    return StoredCourse(
        spec=row.spec,
        planned_ms=row.planned_ms,
        sentinel=None if state is None or state in ENDED else row.sentinel_id,
        is_to_be_watched=row.sentinel_id is not None,
        spread=_own(row),
        history=_history(row),
        spent_ms=row.spent_ms,
        has_repeated=row.has_repeated,
    )


def find_sentinel(transaction: Transaction, place: Place) -> str | None:
    """The job that is the sentinel, failed or not; None without any."""
    sentinel_id: str | None = transaction.scalars(
        select(courses.c.sentinel_id).where(_is_of(place))
    ).one()
    return sentinel_id


def is_read(transaction: Transaction, place: Place) -> bool:
    """Whether there is a sentinel that has not ended."""
    state: JobState | None = transaction.scalars(
        select(jobs.c.state)
        .join(courses, courses.c.sentinel_id == jobs.c.job_id)
        .where(_is_of(place))
    ).one_or_none()
    return state is not None and state not in ENDED


def count_readings(transaction: Transaction, place: Place) -> int:
    """How many readings of the sentinel were taken."""
    count: int = transaction.scalars(select(courses.c.reading_count).where(_is_of(place))).one()
    return count


def take_places(transaction: Transaction, place: Place, count: int) -> int:
    """Takes places for so many more turns, after all others; gives the first one's."""
    first: int = transaction.scalars(select(courses.c.turn_count).where(_is_of(place))).one()
    transaction.execute(
        update(courses).where(_is_of(place)).values(turn_count=courses.c.turn_count + count)
    )
    return first


def known_spread(transaction: Transaction, place: Place) -> Spread | None:
    """What is known of how far processes on a device differ: by this sweep, and by earlier ones.

    None in a sweep whose jobs have one process each, so that nothing stands beside its own samples.
    """
    asked = type_coerce(sweeps.c.spec, JSON)
    most_repetitions = case((IsJson(sweeps.c.spec), asked["most_repetitions"].as_integer()))
    row = transaction.execute(
        _with_history(
            courses.c.squares,
            courses.c.degrees,
            most_repetitions.label("most_repetitions"),
        )
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .where(_is_of(place))
    ).one()
    if row.most_repetitions == 1:
        return None
    return _own(row).plus(_history(row).as_history())


def add_to_course(
    transaction: Transaction, place: Place, *, more: Spread, spent_ms: int, readings: int
) -> None:
    """Adds what one report told.

    Args:
        transaction: the caller's, which writes.
        place: sweep and device.
        more: by how much the spread grew.
        spent_ms: what was spent, ms.
        readings: of the sentinel that were taken.
    """
    transaction.execute(
        update(courses)
        .where(_is_of(place))
        .values(
            _grown(courses.c, more)
            | {
                "spent_ms": courses.c.spent_ms + spent_ms,
                "reading_count": courses.c.reading_count + readings,
            }
        )
    )
    of_device = device_spreads.c.device_id == place.device_id
    grown = update(device_spreads).where(of_device).values(_grown(device_spreads.c, more))
    if transaction.execute(grown).rowcount == 0:
        first = {"device_id": place.device_id, "squares": more.squares, "degrees": more.degrees}
        transaction.execute(insert(device_spreads).values(first))


def add_waiting(transaction: Transaction, place: Place, waited_ms: int) -> None:
    """Counts how long a start waited, ms, among those of its sweep on its device."""
    transaction.execute(
        update(courses).where(_is_of(place)).values(waited_ms=courses.c.waited_ms + waited_ms)
    )


def set_repeated(transaction: Transaction, place: Place) -> None:
    """Remembers that what lay beside a change is taken again, which happens once."""
    transaction.execute(update(courses).where(_is_of(place)).values(has_repeated=True))


def list_open_places(database: Database, sweep_id: str) -> list[Place]:
    """A sweep on the devices that have jobs of it to be leased, or leased."""
    with database.transaction() as transaction:
        device_ids = transaction.scalars(
            select(jobs.c.device_id)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]),
            )
            .distinct()
        ).all()
    return [Place(sweep_id=sweep_id, device_id=device_id) for device_id in device_ids]


def _is_of(place: Place) -> ColumnElement[bool]:
    return and_(courses.c.device_id == place.device_id, courses.c.sweep_id == place.sweep_id)


def _with_history(*columns: Any) -> Select[Any]:
    """Columns of courses, and beside them what all courses of the device add up to."""
    of_device = device_spreads.c.device_id == courses.c.device_id
    sums = (
        func.coalesce(device_spreads.c.squares, 0.0).label("all_squares"),
        func.coalesce(device_spreads.c.degrees, 0).label("all_degrees"),
    )
    return select(*columns, *sums).select_from(courses).outerjoin(device_spreads, of_device)


def _own(row: Row[Any]) -> Spread:
    return Spread(squares=row.squares, degrees=row.degrees)


def _history(row: Row[Any]) -> Spread:
    """The spread of the other sweeps on the device."""
    others = Spread(squares=row.all_squares, degrees=row.all_degrees).without(_own(row))
    # Without any, what rounding left of the squares tells nothing.
    return others if others.degrees else UNKNOWN


def _grown(columns: Any, more: Spread) -> dict[str, Any]:
    return {
        "squares": columns.squares + more.squares,
        "degrees": columns.degrees + more.degrees,
    }
