"""Sweeps: what was asked for, and how far it is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cattrs
from sqlalchemy import Engine, Row, insert, select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import ENDED, JobState, PlannedJob
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.database import transaction
from controller.state.jobs import count_jobs
from controller.state.profiles import expect_profiles
from controller.state.schema import jobs, sweeps
from controller.state.turns import create_turns

RUNNING_PHASES = (SweepPhase.CONVERTING, SweepPhase.MEASURING)


@dataclass(frozen=True)
class StoredSweep:
    """A sweep as it is remembered."""

    sweep_id: str
    spec: SweepSpec
    phase: SweepPhase


def create_sweep(
    engine: Engine, spec: SweepSpec, planned: Sequence[PlannedJob], now_unix_ms: int
) -> str:
    """Remembers a sweep with its jobs, which wait for their artifacts; gives its id."""
    sweep_id = uuid.uuid4().hex[:12]
    job_rows: list[dict[str, Any]] = [
        {
            "job_id": uuid.uuid4().hex,
            "sweep_id": sweep_id,
            "device_id": job.device_id,
            "position": position,
            "backbone": job.variant.backbone,
            "format": job.variant.format.value,
            "precision": job.variant.precision.value,
            "target": job.variant.target.value,
            "input_size": job.variant.input_size,
            "batch": job.variant.batch,
            "settings": cattrs.unstructure(job.settings),
            "is_sentinel": job.is_sentinel,
            "state": JobState.WAITING.value,
        }
        for position, job in enumerate(planned)
    ]
    with transaction(engine) as connection:
        connection.execute(
            insert(sweeps).values(
                sweep_id=sweep_id,
                spec=cattrs.unstructure(spec),
                phase=SweepPhase.CONVERTING.value,
                created_at_unix_ms=now_unix_ms,
            )
        )
        connection.execute(insert(jobs), job_rows)
        expect_profiles(connection, job_rows)
        for device_id in dict.fromkeys(job.device_id for job in planned):
            here = [row for row in job_rows if row["device_id"] == device_id]
            sentinel = next((row["job_id"] for row in here if row["is_sentinel"]), None)
            repetitions = {
                row["job_id"]: spec.repetitions for row in here if not row["is_sentinel"]
            }
            create_turns(connection, sweep_id, device_id, repetitions, sentinel)
    return sweep_id


def find_sweep(engine: Engine, sweep_id: str) -> StoredSweep:
    """The sweep of this id.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    with transaction(engine) as connection:
        row = connection.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id)).one_or_none()
    if row is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no sweep has the id {sweep_id!r}")
    return _stored(row)


def running_sweeps(engine: Engine) -> tuple[StoredSweep, ...]:
    """Sweeps that have not ended, oldest first: what a restarted controller goes on with."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(sweeps)
            .where(sweeps.c.phase.in_([phase.value for phase in RUNNING_PHASES]))
            .order_by(sweeps.c.created_at_unix_ms)
        ).all()
    return tuple(_stored(row) for row in rows)


def set_phase(engine: Engine, sweep_id: str, phase: SweepPhase, now_unix_ms: int) -> None:
    """Moves a running sweep to another phase; one that has ended stays so."""
    values: dict[str, object] = {"phase": phase.value}
    if phase not in RUNNING_PHASES:
        values["ended_at_unix_ms"] = now_unix_ms
    with transaction(engine) as connection:
        connection.execute(
            update(sweeps)
            .where(
                sweeps.c.sweep_id == sweep_id,
                sweeps.c.phase.in_([running.value for running in RUNNING_PHASES]),
            )
            .values(values)
        )


def end_finished_sweeps(engine: Engine, now_unix_ms: int) -> bool:
    """Ends every measuring sweep whose jobs have all ended; whether there was any."""
    finished = [
        sweep.sweep_id
        for sweep in running_sweeps(engine)
        if sweep.phase is SweepPhase.MEASURING
        and all(state in ENDED for state in count_jobs(engine, sweep.sweep_id))
    ]
    for sweep_id in finished:
        set_phase(engine, sweep_id, SweepPhase.ENDED, now_unix_ms)
    return bool(finished)


def _stored(row: Row[Any]) -> StoredSweep:
    return StoredSweep(row.sweep_id, cattrs.structure(row.spec, SweepSpec), SweepPhase(row.phase))
