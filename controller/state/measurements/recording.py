"""How jobs ended: kept, and which of it nothing newer stands for."""

import uuid
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    String,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    insert,
    select,
    update,
)

from controller.domain.measurements import (
    DelegationFigures,
    EnergyFigures,
    LatencyFigures,
    MemoryFigures,
    MinuteFigures,
    OutputFigures,
    PacedFigures,
    Verdict,
)
from controller.domain.rankings.rows import PEAKS, TIMES
from controller.state.database import Transaction
from controller.state.rounds.counts import LAST_OUTCOME, SWEEP_OF_JOB, count_outcome
from controller.state.schema import candidates, jobs, measurements
from controller.state.schema.columns import SharedDocument
from protos.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """How a job ended: its verdict, and the figures if there are any."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    measured_at_unix_ms: int
    runtime_version: str = ""
    runtime_build: str = ""
    busy_threads: int = 0
    affinity: tuple[int, ...] = ()
    latency: LatencyFigures | None = None
    memory: MemoryFigures | None = None
    minutes: tuple[MinuteFigures, ...] = ()
    outputs: OutputFigures | None = None
    paced: PacedFigures | None = None
    energy: EnergyFigures | None = None
    delegation: DelegationFigures | None = None


CONCLUDED: Final = tuple(field.name for field in fields(Conclusion))
"""Each has a column of its name."""

_OF_JOB = {
    column.name: select(column).where(jobs.c.job_id == bindparam("of_job")).scalar_subquery()
    for column in (jobs.c.device_id, jobs.c.backbone, jobs.c.position)
}
_NEXT_OF_DEVICE = (
    select(func.coalesce(func.max(measurements.c.device_ordinal), 0) + 1)
    .where(measurements.c.device_id == _OF_JOB["device_id"])
    .scalar_subquery()
)
# What differs in any of these may be ranked as something else; what is alike in all is not.
_SAID_OF_CANDIDATE: Final = {
    "made_of": func.coalesce(jobs.c.conversion_key, jobs.c.sweep_id),
    **{
        column.name: jobs.c[column.name]
        for column in candidates.c
        if column.name not in ("candidate_id", "made_of")
    },
}


def _compared(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What tells whether two are equal: of a document, its text."""
    return cast(column, String) if isinstance(column.type, SharedDocument) else column


_IS_CANDIDATE = and_(
    *(_compared(candidates.c[name]) == _compared(said) for name, said in _SAID_OF_CANDIDATE.items())
)
_JOB = jobs.c.job_id == bindparam("of_job")
_CANDIDATE_OF_JOB = (
    select(func.min(candidates.c.candidate_id)).where(_JOB, _IS_CANDIDATE).scalar_subquery()
)
# What is asked for each job that ends is put together once.
_ADD_CANDIDATE = insert(candidates).from_select(
    list(_SAID_OF_CANDIDATE),
    select(*_SAID_OF_CANDIDATE.values()).where(_JOB, ~exists().where(_IS_CANDIDATE)),
)
_ADD = insert(measurements).values(
    sweep_id=SWEEP_OF_JOB,
    ordinal=LAST_OUTCOME,
    device_ordinal=_NEXT_OF_DEVICE,
    candidate_id=_CANDIDATE_OF_JOB,
    **_OF_JOB,
)


def _is_alike(other: FromClause) -> ColumnElement[bool]:
    """Whether another measurement is of the same, and as good to go by."""
    return and_(
        other.c.is_newest.is_(True),
        other.c.device_id == _OF_JOB["device_id"],
        other.c.backbone == _OF_JOB["backbone"],
        other.c.candidate_id == _CANDIDATE_OF_JOB,
        other.c.verdict == bindparam("this_verdict", type_=measurements.c.verdict.type),
        other.c.latency.is_(None) == bindparam("is_without_figures", type_=Boolean()),
    )


_OUTDATE = (
    update(measurements)
    .where(
        _is_alike(measurements),
        # A clock that was set back makes nothing newer than it is.
        measurements.c.committed_at_unix_ms <= bindparam("this_committed_at"),
    )
    .values(is_newest=false())
)


_LATER = measurements.alias("later")
# What is recorded after what is newer than it.
_OUTDATE_THIS = (
    update(measurements)
    .where(
        measurements.c.job_id == bindparam("of_job"),
        exists().where(
            _is_alike(_LATER), _LATER.c.committed_at_unix_ms > bindparam("this_committed_at")
        ),
    )
    .values(is_newest=false())
)


def record_conclusion(
    transaction: Transaction, job_id: str, conclusion: Conclusion, now_unix_ms: int
) -> None:
    """Keeps how a job ended; the transaction is the caller's, which writes."""
    count_outcome(transaction, job_id)
    transaction.execute(_ADD_CANDIDATE, {"of_job": job_id})
    transaction.execute(_OUTDATE, _this(job_id, conclusion, now_unix_ms))
    kept = {
        "measurement_id": uuid.uuid4().hex,
        "job_id": job_id,
        "of_job": job_id,
        "committed_at_unix_ms": now_unix_ms,
    }
    transaction.execute(_ADD, kept | vars(conclusion) | _ranked_by(conclusion))


def record_imported(
    transaction: Transaction,
    job_id: str,
    conclusion: Conclusion,
    content_sha256: str,
    at_unix_ms: int,
) -> None:
    """As `record_conclusion`, of what counts from a moment on that may lie before that of others.

    Args:
        transaction: the caller's, which writes.
        job_id: of the job.
        conclusion: how it ended.
        content_sha256: by which it is known again.
        at_unix_ms: what was recorded as of a later moment stays newer.
    """
    record_conclusion(transaction, job_id, conclusion, at_unix_ms)
    of_job = measurements.c.job_id == job_id
    transaction.execute(update(measurements).where(of_job).values(content_sha256=content_sha256))
    transaction.execute(_OUTDATE_THIS, _this(job_id, conclusion, at_unix_ms))


def _this(job_id: str, conclusion: Conclusion, at_unix_ms: int) -> dict[str, object]:
    return {
        "of_job": job_id,
        "this_verdict": conclusion.verdict,
        "is_without_figures": conclusion.latency is None,
        "this_committed_at": at_unix_ms,
    }


def _ranked_by(conclusion: Conclusion) -> dict[str, float | int | None]:
    """The figures of which a ranking is made, by their columns."""
    figures = ((conclusion.latency, TIMES), (conclusion.memory, PEAKS))
    return {
        name: None if told is None else getattr(told, name)
        for told, names in figures
        for name in names
    }
