"""How a simulated fleet ended, for the checker that judges real ones as well."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from controller.state.database import Database, connected_database
from controller.state.rounds.counts import count_anew, read_counts
from controller.state.sweeps import list_sweeps
from tests.faults.judging.causes import May
from tests.faults.judging.checker import Violation, violations
from tests.faults.judging.outcome import HadReport, Outcome, read_database
from tests.simulation.causes import MAY_CAUSE, befalls_all
from tests.simulation.devices import Device
from tests.simulation.measuring import samples_of
from tests.simulation.schedules import Fault


def judge(
    path: Path,
    devices: Iterable[Device],
    struck: Iterable[Fault],
    cancelled: frozenset[str],
    strayed: Iterable[str],
) -> tuple[Violation, ...]:
    """What is wrong with how a fleet ended, that was left in peace.

    Args:
        path: of the database that its controllers had.
        devices: all of them.
        struck: what befell it.
        cancelled: ids of the sweeps that people cancelled.
        strayed: what nothing explains, in words.
    """
    devices = tuple(devices)
    outcome = Outcome(
        **vars(read_database(path)),
        reports=tuple(_had(devices)),
        spooled={device.name: tuple(device.spool) for device in devices},
        causes=_causes(devices, struck),
        cancelled=cancelled,
        strayed=(*strayed, *_out_of_step(path)),
    )
    return violations(outcome)


def count_jobs(path: Path) -> int:
    """How many jobs a database has."""
    with closing(sqlite3.connect(path)) as database:
        count: int = database.execute("SELECT count(*) FROM jobs").fetchone()[0]
        return count


def _had(devices: Iterable[Device]) -> Iterator[HadReport]:
    for device in devices:
        for attempt_id, code in device.had.items():
            latency_ns = None if code else samples_of(attempt_id)
            yield HadReport(attempt_id=attempt_id, latency_ns=latency_ns, is_kept=True, code=code)


def _causes(devices: Iterable[Device], struck: Iterable[Fault]) -> Mapping[str, tuple[May, ...]]:
    of_all: list[May] = []
    of_one: dict[int, list[May]] = {}
    for fault in struck:
        causes = of_all if befalls_all(fault.kind) else of_one.setdefault(fault.whom, [])
        causes += MAY_CAUSE[fault.kind]
    return {device.name: (*of_all, *of_one.get(device.number, ())) for device in devices}


def _out_of_step(path: Path) -> Iterator[str]:
    """What is counted in step with each change, and is not what looking at all rows gives."""
    database = connected_database(f"sqlite:///{path}")
    try:
        for sweep in list_sweeps(database):
            yield from _miscounted(database, sweep.sweep_id)
    finally:
        database.close()


def _miscounted(database: Database, sweep_id: str) -> Iterator[str]:
    kept = read_counts(database, sweep_id)
    with database.writing() as transaction:
        count_anew(transaction, sweep_id)
    if read_counts(database, sweep_id) != kept:
        yield f"the sweep {sweep_id} counted {kept}"
