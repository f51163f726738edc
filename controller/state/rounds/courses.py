"""How sweeps stand on devices: kept up with each report, at the cost of that report."""

from dataclasses import dataclass

from sqlalchemy import JSON, ColumnElement, and_, func, insert, select, type_coerce, update

from controller.domain.jobs import ENDED, JobState
from controller.domain.sweeps import SweepSpec
from controller.figures.spread import Spread
from controller.state.database import Database, Transaction
from controller.state.schema import courses, jobs, sweeps


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
        sentinel_id: the job that is one, failed or not; None without any.
        has_sentinel: whether it has not ended.
        spread: of the processes so far.
        history: of earlier sweeps on the device.
        spent_ms: what all turns took, ms.
        has_repeated: whether what lay beside a change was taken again.
    """

    spec: SweepSpec
    planned_ms: int
    sentinel_id: str | None
    has_sentinel: bool
    spread: Spread
    history: Spread
    spent_ms: int
    has_repeated: bool


def open_course(
    transaction: Transaction,
    place: Place,
    planned_ms: int,
    sentinel_id: str | None,
    expected_ms: int | None = None,
) -> None:
    """Remembers that a sweep begins on a device, and how long it is expected to take, ms."""
    transaction.execute(
        insert(courses).values(
            device_id=place.device_id,
            sweep_id=place.sweep_id,
            planned_ms=planned_ms,
            expected_ms=expected_ms,
            waited_ms=0,
            sentinel_id=sentinel_id,
            squares=0.0,
            degrees=0,
            spent_ms=0,
            has_repeated=False,
        )
    )


def read_course(transaction: Transaction, place: Place) -> StoredCourse:
    """How a sweep stands on a device."""
    row = transaction.execute(
        select(courses, sweeps.c.spec, jobs.c.state.label("sentinel_state"))
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .outerjoin(jobs, jobs.c.job_id == courses.c.sentinel_id)
        .where(_is_of(place))
    ).one()
    state: JobState | None = row.sentinel_state
    return StoredCourse(
        spec=row.spec,
        planned_ms=row.planned_ms,
        sentinel_id=row.sentinel_id,
        has_sentinel=state is not None and state not in ENDED,
        spread=Spread(squares=row.squares, degrees=row.degrees),
        history=read_history(transaction, place),
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


def read_history(transaction: Transaction, place: Place) -> Spread:
    """The spread of the other sweeps on the device."""
    row = transaction.execute(
        select(func.sum(courses.c.squares), func.sum(courses.c.degrees)).where(
            courses.c.device_id == place.device_id, courses.c.sweep_id != place.sweep_id
        )
    ).one()
    return Spread(squares=row[0] or 0.0, degrees=row[1] or 0)


def known_spread(transaction: Transaction, place: Place) -> Spread | None:
    """What is known of how far processes on a device differ: by this sweep, and by earlier ones.

    None in a sweep whose jobs have one process each, so that nothing stands beside its own samples.
    """
    asked = type_coerce(sweeps.c.spec, JSON)
    row = transaction.execute(
        select(
            courses.c.squares,
            courses.c.degrees,
            asked["most_repetitions"].as_integer().label("most_repetitions"),
        )
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .where(_is_of(place))
    ).one()
    if row.most_repetitions == 1:
        return None
    here = Spread(squares=row.squares, degrees=row.degrees)
    return here.plus(read_history(transaction, place).as_history())


def add_to_course(transaction: Transaction, place: Place, *, more: Spread, spent_ms: int) -> None:
    """Adds what one report told: by how much the spread grew, and what was spent, ms."""
    transaction.execute(
        update(courses)
        .where(_is_of(place))
        .values(
            squares=courses.c.squares + more.squares,
            degrees=courses.c.degrees + more.degrees,
            spent_ms=courses.c.spent_ms + spent_ms,
        )
    )


def add_waiting(transaction: Transaction, place: Place, waited_ms: int) -> None:
    """Counts how long a start waited, ms, among those of its sweep on its device."""
    transaction.execute(
        update(courses).where(_is_of(place)).values(waited_ms=courses.c.waited_ms + waited_ms)
    )


def set_repeated(transaction: Transaction, place: Place) -> None:
    """Remembers that what lay beside a change is taken again, which happens once."""
    transaction.execute(update(courses).where(_is_of(place)).values(has_repeated=True))


def list_open_places(database: Database) -> list[Place]:
    """The sweeps and devices that have jobs to be leased, or leased."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.sweep_id, jobs.c.device_id)
            .where(jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]))
            .distinct()
        ).all()
    return [Place(sweep_id=row.sweep_id, device_id=row.device_id) for row in rows]


def _is_of(place: Place) -> ColumnElement[bool]:
    return and_(courses.c.device_id == place.device_id, courses.c.sweep_id == place.sweep_id)
