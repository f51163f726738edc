"""The end of a job that was measured: its figures, derived from the repetitions that count."""

import uuid
from collections.abc import Sequence
from typing import Any

import cattrs
from sqlalchemy import Connection, Engine, Row, and_, func, insert, select, update

from controller.domain.jobs import FEWEST_REPETITIONS, JobState, Reading, TurnState
from controller.domain.measurements import Verdict
from controller.figures.latency import latency_figures, memory_figures, minute_figures
from controller.figures.verdicts import verdict
from controller.fleet.turns import is_watched, slowdown, suspect_blocks
from controller.state.database import transaction
from controller.state.jobs import end_job
from controller.state.repetitions import stored_repetition
from controller.state.schema import jobs, measurements, repetitions, turns
from protos.measuring import MeasureSettings


def finish_job(engine: Engine, job_id: str, readings: Sequence[Reading], now_unix_ms: int) -> None:
    """Derives a job's figures and ends it; one that ended before stays as it is.

    Repetitions that were taken while the sentinel drifted do not count, unless fewer than two
    others are left: then all of them do, and the verdict says so. The reason tells how many the
    device was not ready for, and how many no reading followed on, as the sentinel had failed. A job
    without any repetition, as of a sentinel whose sweep failed before, ends without a measurement.
    """
    with transaction(engine) as connection:
        document = connection.scalars(select(jobs.c.settings).where(jobs.c.job_id == job_id)).one()
        taken = _taken(connection, job_id)
        not_ready = _not_ready(connection, job_id)
        is_to_be_watched = _has_sentinel(connection, job_id)
        if not taken:
            end_job(connection, job_id, JobState.CANCELLED)
            return
    settings = cattrs.structure(document, MeasureSettings)
    suspects = suspect_blocks(readings)
    steady = [row for row in taken if row.block not in suspects]
    if len(steady) >= min(FEWEST_REPETITIONS, len(taken)):
        values = _figures(steady, settings)
    else:
        values = _figures(taken, settings) | {
            "verdict": Verdict.THROTTLED.value,
            "reason": "the device drifted while it was measured, and while it was measured again: "
            f"the sentinel was up to {slowdown(readings) * 100:.0f} % slower",
        }
    told = [str(values["reason"]), _missing(not_ready, settings)]
    if is_to_be_watched:
        told.append(_unwatched(taken, readings))
    values["reason"] = "; ".join(filter(None, told))
    with transaction(engine) as connection:
        if not end_job(connection, job_id, JobState.DONE):
            return
        connection.execute(
            insert(measurements).values(
                measurement_id=uuid.uuid4().hex,
                job_id=job_id,
                committed_at_unix_ms=now_unix_ms,
                **values,
            )
        )
        suspect = [row.ordinal for row in taken if row.block in suspects]
        connection.execute(
            update(repetitions)
            .where(repetitions.c.job_id == job_id, repetitions.c.ordinal.in_(suspect))
            .values(is_suspect=True)
        )


def _figures(rows: Sequence[Row[Any]], settings: MeasureSettings) -> dict[str, object]:
    """What a measurement says that is derived from these repetitions."""
    counted = [stored_repetition(row) for row in rows]
    figures = latency_figures(counted)
    ran_with = _changing([row.runtime_version for row in rows], [row.runtime_build for row in rows])
    if ran_with:
        judged, reason = (
            Verdict.UNSTABLE,
            f"the device changed its {settings.runtime.value} meanwhile: its repetitions ran with "
            f"{' and '.join(ran_with)}",
        )
    else:
        judged, reason = verdict(figures, counted, settings.relative_half_width)
    last = rows[-1]
    return {
        "verdict": judged.value,
        "reason": reason,
        "runtime_version": last.runtime_version,
        "runtime_build": last.runtime_build,
        "busy_threads": max(repetition.busy_threads for repetition in counted),
        "affinity": last.affinity,
        "latency": cattrs.unstructure(figures),
        "memory": cattrs.unstructure(memory_figures(counted)),
        "minutes": cattrs.unstructure(minute_figures(counted)),
        "measured_at_unix_ms": last.taken_at_unix_ms,
    }


def _changing(*told: Sequence[str]) -> list[str]:
    """The first of some properties that repetitions do not share: what it was, each once."""
    return next((sorted(set(each)) for each in told if len(set(each)) > 1), [])


def _missing(not_ready: int, settings: MeasureSettings) -> str:
    if not not_ready:
        return ""
    waited_s = settings.gate.deadline_ms / 1_000
    return (
        f"{not_ready} of its repetitions could not start: the device was not ready within "
        f"{waited_s:g} s"
    )


def _unwatched(rows: Sequence[Row[Any]], readings: Sequence[Reading]) -> str:
    count = sum(not is_watched(row.block, readings) for row in rows)
    if not count:
        return ""
    return (
        f"nothing tells whether the device drifted during {count} of its {len(rows)} repetitions: "
        "the sentinel had failed"
    )


def _has_sentinel(connection: Connection, job_id: str) -> bool:
    """Whether a sentinel, failed or not, was to watch a job's sweep on its device."""
    place = select(jobs.c.sweep_id, jobs.c.device_id).where(jobs.c.job_id == job_id).subquery()
    same = and_(jobs.c.sweep_id == place.c.sweep_id, jobs.c.device_id == place.c.device_id)
    sentinels = select(jobs.c.job_id).join(place, same).where(jobs.c.is_sentinel)
    return connection.scalars(sentinels.limit(1)).one_or_none() is not None


def _not_ready(connection: Connection, job_id: str) -> int:
    return connection.scalars(
        select(func.count())
        .select_from(turns)
        .where(turns.c.job_id == job_id, turns.c.state == TurnState.NOT_READY.value)
    ).one()


def _taken(connection: Connection, job_id: str) -> list[Row[Any]]:
    same = and_(turns.c.job_id == repetitions.c.job_id, turns.c.ordinal == repetitions.c.ordinal)
    return list(
        connection.execute(
            select(repetitions, turns.c.block)
            .outerjoin(turns, same)
            .where(repetitions.c.job_id == job_id)
            .order_by(repetitions.c.ordinal)
        ).all()
    )
