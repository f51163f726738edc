"""Reports: committed once each, with every raw sample."""

from typing import Any

import cattrs
from sqlalchemy import Connection, Engine, Row, and_, insert, select, update

from controller.domain.jobs import AttemptState, JobState, Reading
from controller.figures.latency import latency_figures
from controller.fleet.credibility import answering, credible
from controller.state.database import transaction
from controller.state.failures import end_with_failure
from controller.state.jobs import end_job
from controller.state.profiles import record_profile
from controller.state.repetitions import repetition_row
from controller.state.schema import attempts, jobs, repetitions, turns
from controller.state.turns import (
    LeasedTurn,
    can_do_without,
    follows_unready,
    settle_turns,
    skip_turn,
    take_turn,
)
from protos.fleet import Measured, Report
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode


def record_report(engine: Engine, device_id: str, report: Report, now_unix_ms: int) -> bool:
    """Commits how an attempt ended; False when it is not the device's or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing. A job ends with the
    first failure, with its profile, or when no repetition of it is missing any more. A repetition
    that the device was not ready for is left out where enough others are there, and a reading of a
    sentinel where the one before it was not. An attempt of before repetitions took turns is at none
    of them: its job began anew.
    """
    attempt = _find(engine, device_id, report.attempt_id)
    if attempt is None:
        return False
    turn = LeasedTurn(
        sweep_id=attempt.sweep_id,
        device_id=device_id,
        job_id=attempt.job_id,
        ordinal=attempt.ordinal,
    )
    settings = cattrs.structure(attempt.settings, MeasureSettings)
    report = credible(answering(report, settings), settings.cores)
    reading = _reading(report.measured) if attempt.is_sentinel and report.measured else None
    with transaction(engine) as connection:
        connection.execute(
            update(attempts)
            .where(attempts.c.attempt_id == report.attempt_id)
            .values(state=AttemptState.REPORTED.value)
        )
        if _may_be_left_out(connection, turn, report, attempt.is_sentinel):
            is_new = skip_turn(connection, turn)
        else:
            is_new = _commit(connection, turn, report, reading, now_unix_ms)
    # Again for a repeated report: the first may have been committed and not settled.
    settle_turns(engine, turn.sweep_id, turn.device_id, now_unix_ms)
    return is_new


def _may_be_left_out(
    connection: Connection, turn: LeasedTurn, report: Report, is_sentinel: bool
) -> bool:
    if report.failure is None or report.failure.reason is not ReasonCode.NOT_READY:
        return False
    if is_sentinel:
        return not follows_unready(connection, turn)
    return can_do_without(connection, turn)


def _commit(
    connection: Connection,
    turn: LeasedTurn,
    report: Report,
    reading: Reading | None,
    now_unix_ms: int,
) -> bool:
    measured, profiled, failure = report.measured, report.profiled, report.failure
    if measured is None and profiled is None:
        reason = f"{failure.reason.value}: {failure.detail}" if failure else "no reason was given"
        return end_with_failure(connection, turn.job_id, reason, now_unix_ms)
    if not take_turn(connection, turn, reading):
        return False
    if profiled is not None:
        record_profile(connection, turn.job_id, profiled, report.ended_at_unix_ms, now_unix_ms)
        # At once: a job ends by its repetitions, and this one has none.
        end_job(connection, turn.job_id, JobState.DONE)
    if measured is not None:
        connection.execute(
            insert(repetitions).values(
                job_id=turn.job_id,
                ordinal=turn.ordinal,
                runtime_version=measured.runtime.version,
                runtime_build=measured.runtime.build,
                affinity=list(measured.affinity),
                taken_at_unix_ms=report.ended_at_unix_ms,
                **repetition_row(measured.repetition),
            )
        )
    return True


def _reading(measured: Measured) -> Reading:
    figures = latency_figures([measured.repetition])
    return Reading(low_ms=figures.low_ms, high_ms=figures.high_ms)


def _find(engine: Engine, device_id: str, attempt_id: str) -> Row[Any] | None:
    with transaction(engine) as connection:
        return connection.execute(
            select(
                jobs.c.job_id,
                jobs.c.sweep_id,
                jobs.c.is_sentinel,
                jobs.c.settings,
                attempts.c.ordinal,
            )
            .join(attempts, attempts.c.job_id == jobs.c.job_id)
            .join(
                turns,
                and_(turns.c.job_id == jobs.c.job_id, turns.c.ordinal == attempts.c.ordinal),
            )
            .where(attempts.c.attempt_id == attempt_id, jobs.c.device_id == device_id)
        ).one_or_none()
