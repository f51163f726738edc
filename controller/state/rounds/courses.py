"""How sweeps stand on devices: kept up with each report, at the cost of that report."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import ENDED, TurnState
from controller.domain.sweeps import SweepSpec
from controller.figures.spread import UNKNOWN, Spread
from controller.state.database import Transaction
from controller.state.schema import courses, device_spreads, jobs, sweeps, turns
from controller.state.schema.columns import IsJson, Unreadable
from controller.state.schema.many_rows import change_rows, in_few_lengths, write_rows


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
        sentinel: the job that is one, ended or not; None without any.
        has_sentinel_ended: whether it cannot be read any more.
        has_open_turns: whether a repetition is still to be taken.
        spread: of the processes so far.
        history: of earlier sweeps on the device.
        spent_ms: what all turns took, ms.
        has_repeated: whether what lay beside a change was taken again.
    """

    spec: SweepSpec
    planned_ms: int
    sentinel: str | None
    has_sentinel_ended: bool
    has_open_turns: bool
    spread: Spread
    history: Spread
    spent_ms: int
    has_repeated: bool

    @property
    def open_sentinel(self) -> str | None:
        """The sentinel, as long as it is read."""
        return None if self.has_sentinel_ended else self.sentinel


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


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one report told of how its sweep stands.

    Attributes:
        place: sweep and device.
        more: by how much the spread grew.
        spent_ms: what was spent, ms.
        readings: of the sentinel that were taken.
    """

    place: Place
    more: Spread
    spent_ms: int
    readings: int


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
        write_rows(transaction, _OPEN, rows)


def read_course(transaction: Transaction, place: Place) -> StoredCourse:
    """How a sweep stands on a device.

    Raises:
        EdgerankError: DAMAGED when what was asked for cannot be read.
    """
    stored = read_courses(transaction, [place])[place]
    if isinstance(stored, EdgerankError):
        raise stored
    return stored


def read_courses(
    transaction: Transaction, places: Collection[Place]
) -> dict[Place, StoredCourse | EdgerankError]:
    """As `read_course`, of several places; where one cannot be read, why."""
    devices: defaultdict[str, list[str]] = defaultdict(list)
    for place in places:
        devices[place.sweep_id].append(place.device_id)
    found: dict[Place, StoredCourse | EdgerankError] = {}
    for sweep_id, device_ids in devices.items():
        given = {"of_sweep": sweep_id, "of_devices": in_few_lengths(device_ids)}
        for row in transaction.execute(_STANDING, given):
            found[Place(sweep_id=sweep_id, device_id=row.device_id)] = _stored(row)
    return found


def _stored(row: Row[Any]) -> StoredCourse | EdgerankError:
    if isinstance(row.spec, Unreadable):
        return EdgerankError(
            ErrorCode.DAMAGED,
            f"the sweep {row.sweep_id} cannot be read, and nothing follows on what is measured "
            "for it; cancel it, and start another one",
        )
    return StoredCourse(
        spec=row.spec,
        planned_ms=row.planned_ms,
        sentinel=row.sentinel_id,
        has_sentinel_ended=row.sentinel_state in ENDED,
        has_open_turns=row.is_queued or row.is_leased or row.is_waiting,
        spread=_own(row),
        history=_history(row),
        spent_ms=row.spent_ms,
        has_repeated=row.has_repeated,
    )


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
    return told_spread(transaction.execute(_SPREADS, _key(place)).one())


def with_spreads(query: Select[Any]) -> Select[Any]:
    """A query of courses, with what `told_spread` needs of each beside."""
    return (
        query.add_columns(courses.c.squares, courses.c.degrees, *_OF_ALL, _MOST_REPETITIONS)
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .outerjoin(device_spreads, device_spreads.c.device_id == courses.c.device_id)
    )


def told_spread(row: Row[Any]) -> Spread | None:
    """What is known of how far processes differ, as `known_spread`, by a row `with_spreads`."""
    if row.most_repetitions == 1:
        return None
    return _own(row).plus(_history(row).as_history())


def add_to_courses(transaction: Transaction, told: Sequence[Told]) -> None:
    """Adds what reports told, at most one of each device."""
    if not told:
        return
    grown = [
        {
            **_key(each.place),
            "more_squares": each.more.squares,
            "more_degrees": each.more.degrees,
            "more_spent_ms": each.spent_ms,
            "more_readings": each.readings,
        }
        for each in told
    ]
    change_rows(transaction, _ADD_TO_COURSE, grown)
    spread = [given for each, given in zip(told, grown, strict=True) if each.more != UNKNOWN]
    if spread and change_rows(transaction, _ADD_TO_DEVICE, spread) < len(spread):
        # Some had none, and have what is told then.
        transaction.execute(_BEGIN_OF_DEVICE, spread)


def add_waiting(transaction: Transaction, waited: Sequence[tuple[Place, int]]) -> None:
    """Counts how long starts waited, ms, among those of their sweeps on their devices."""
    if waited:
        transaction.execute(_ADD_WAITING, [_key(place) | {"more_ms": ms} for place, ms in waited])


def set_repeated(transaction: Transaction, place: Place) -> None:
    """Remembers that what lay beside a change is taken again, which happens once."""
    transaction.execute(update(courses).where(_is_of(place)).values(has_repeated=True))


def set_still_racing(transaction: Transaction, place: Place, count: int) -> None:
    """Remembers how many candidates of a race may still change its answer."""
    transaction.execute(update(courses).where(_is_of(place)).values(still_racing=count))


def _key(place: Place) -> dict[str, object]:
    return {"of_device": place.device_id, "of_sweep": place.sweep_id}


def _is_of(place: Place) -> ColumnElement[bool]:
    return and_(courses.c.device_id == place.device_id, courses.c.sweep_id == place.sweep_id)


def _own(row: Row[Any]) -> Spread:
    return Spread(squares=row.squares, degrees=row.degrees)


def _history(row: Row[Any]) -> Spread:
    """The spread of the other sweeps on the device."""
    others = Spread(squares=row.all_squares, degrees=row.all_degrees).without(_own(row))
    # Without any, what rounding left of the squares tells nothing.
    return others if others.degrees else UNKNOWN


def _grown(columns: Any) -> dict[str, Any]:
    return {
        "squares": columns.squares + bindparam("more_squares"),
        "degrees": columns.degrees + bindparam("more_degrees"),
    }


def _has_turns(state: TurnState) -> ColumnElement[bool]:
    return exists().where(
        turns.c.device_id == courses.c.device_id,
        turns.c.sweep_id == courses.c.sweep_id,
        turns.c.state == state,
    )


# What is asked for each lease and report is put together once.
_IS_PLACE = and_(
    courses.c.device_id == bindparam("of_device"), courses.c.sweep_id == bindparam("of_sweep")
)
# What all courses of the device add up to.
_OF_ALL = (
    func.coalesce(device_spreads.c.squares, 0.0).label("all_squares"),
    func.coalesce(device_spreads.c.degrees, 0).label("all_degrees"),
)
_STANDING = (
    select(
        courses,
        *_OF_ALL,
        sweeps.c.spec,
        jobs.c.state.label("sentinel_state"),
        _has_turns(TurnState.QUEUED).label("is_queued"),
        _has_turns(TurnState.LEASED).label("is_leased"),
        _has_turns(TurnState.WAITING).label("is_waiting"),
    )
    .select_from(courses)
    .outerjoin(device_spreads, device_spreads.c.device_id == courses.c.device_id)
    .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
    .outerjoin(jobs, jobs.c.job_id == courses.c.sentinel_id)
    .where(
        courses.c.sweep_id == bindparam("of_sweep"),
        courses.c.device_id.in_(bindparam("of_devices", expanding=True)),
    )
)
_OPEN = insert(courses)
_MOST_REPETITIONS = case(
    (IsJson(sweeps.c.spec), type_coerce(sweeps.c.spec, JSON)["most_repetitions"].as_integer())
).label("most_repetitions")
_SPREADS = with_spreads(select(courses.c.device_id)).where(_IS_PLACE)
_ADD_TO_COURSE = (
    update(courses)
    .where(_IS_PLACE)
    .values(
        _grown(courses.c)
        | {
            "spent_ms": courses.c.spent_ms + bindparam("more_spent_ms"),
            "reading_count": courses.c.reading_count + bindparam("more_readings"),
        }
    )
)
_ADD_WAITING = (
    update(courses).where(_IS_PLACE).values(waited_ms=courses.c.waited_ms + bindparam("more_ms"))
)
_ADD_TO_DEVICE = (
    update(device_spreads)
    .where(device_spreads.c.device_id == bindparam("of_device"))
    .values(_grown(device_spreads.c))
)
_BEGIN_OF_DEVICE = insert(device_spreads).from_select(
    ["device_id", "squares", "degrees"],
    select(
        bindparam("of_device", type_=String),
        bindparam("more_squares", type_=Float),
        bindparam("more_degrees", type_=Integer),
    ).where(~exists().where(device_spreads.c.device_id == bindparam("of_device"))),
)
