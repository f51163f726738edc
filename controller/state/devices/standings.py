"""Whether devices take jobs: a row for each of which there is something to say."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, insert, select

from controller.domain.devices import ACTIVE, DeviceCondition, DeviceStanding, HeldUp
from controller.domain.jobs import OPEN, JobState
from controller.state.database import Database, Transaction
from controller.state.schema import device_standings, devices, jobs, measurements
from controller.state.schema.columns import Unreadable
from controller.state.schema.unreadable import misfit_of, readable
from protos.log_lines import event_log
from protos.reasons import ReasonCode

log = event_log(__name__)

_HELD = tuple(each for each in DeviceCondition if each is not DeviceCondition.ACTIVE)
# In a large fleet, what most failures are for is found among them.
_MOST_LOOKED_AT: Final = 50
_MOST_JOBS_LOOKED_AT: Final = 1_000
_MOST_ABSENT: Final = 10
COLUMNS = tuple(each for each in device_standings.c if each.name != "device_id")
# What is asked for each loss is put together once.
_OF_DEVICE = select(*COLUMNS).where(device_standings.c.device_id == bindparam("of_device"))


def read_standing(transaction: Transaction, device_id: str) -> DeviceStanding:
    """How a device stands."""
    row = transaction.execute(_OF_DEVICE, {"of_device": device_id}).mappings().one_or_none()
    return ACTIVE if row is None else standing_of(row)


def keep_standing(transaction: Transaction, device_id: str, standing: DeviceStanding) -> None:
    """Remembers how a device stands from now on."""
    transaction.execute(delete(device_standings).where(device_standings.c.device_id == device_id))
    if standing != ACTIVE:
        told = {"device_id": device_id, **vars(standing)}
        transaction.execute(insert(device_standings).values(told))


def list_held_up(database: Database, sweep_id: str) -> tuple[HeldUp, ...]:
    """The devices that take no jobs and have some of a sweep, by name."""
    waits = exists().where(
        jobs.c.device_id == device_standings.c.device_id,
        jobs.c.sweep_id == sweep_id,
        jobs.c.state.in_(OPEN),
    )
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(devices.c.device_id, devices.c.name, *COLUMNS)
            .join(device_standings, device_standings.c.device_id == devices.c.device_id)
            .where(device_standings.c.condition.in_(_HELD), waits)
        ).mappings()
        held_up = readable("device", "device_id", rows, _held_up)
        return tuple(sorted(held_up, key=lambda each: each.device))


def list_absent(
    database: Database, sweep_id: str, is_connected: Callable[[str], bool]
) -> tuple[str, ...]:
    """The names of ten devices at most that are not connected and have jobs of a sweep.

    Only so many jobs are looked at that a sweep over the largest fleet costs no more than another.
    """
    first = (
        select(jobs.c.device_id)
        .where(jobs.c.sweep_id == sweep_id, jobs.c.state.in_(OPEN))
        .limit(_MOST_JOBS_LOOKED_AT)
    )
    with database.transaction() as transaction:
        waited_for = dict.fromkeys(transaction.scalars(first))
        away = [each for each in waited_for if not is_connected(each)][:_MOST_ABSENT]
        if not away:
            return ()
        names = transaction.scalars(select(devices.c.name).where(devices.c.device_id.in_(away)))
        return tuple(sorted(names))


def fails_elsewhere(transaction: Transaction, job_id: str, code: ReasonCode) -> bool:
    """Whether the file of a job failed with the same reason on another device of its sweep."""
    own, other = jobs.alias(), jobs.alias()
    found = transaction.scalars(
        select(measurements.c.reasons)
        .join(other, other.c.job_id == measurements.c.job_id)
        .join(
            own,
            and_(
                own.c.sweep_id == other.c.sweep_id,
                own.c.backbone == other.c.backbone,
                own.c.conversion_key == other.c.conversion_key,
                own.c.device_id != other.c.device_id,
            ),
        )
        .where(own.c.job_id == job_id, other.c.state == JobState.FAILED)
        .limit(_MOST_LOOKED_AT)
    )
    told = (reasons for reasons in found if not isinstance(reasons, Unreadable))
    return any(reasons[0].code is code for reasons in told if reasons)


def standing_of(row: Mapping[Any, Any]) -> DeviceStanding:
    """What a row of `COLUMNS` tells; nothing where an outer join found none."""
    if row["condition"] is None:
        return ACTIVE
    standing = DeviceStanding(**{column.name: row[column.name] for column in COLUMNS})
    if misfit := misfit_of(standing):
        # Else it would take no jobs, and nobody could name it to wake it.
        log.error("how a device stands cannot be read, and it takes jobs", column=misfit)
        return ACTIVE
    return standing


def _held_up(row: Mapping[Any, Any]) -> HeldUp:
    return HeldUp(device=row["name"], standing=standing_of(row))
