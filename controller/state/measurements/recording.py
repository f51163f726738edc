"""How jobs ended: kept, and which of it nothing newer stands for."""

import uuid
from dataclasses import dataclass, fields
from typing import Final

from sqlalchemy import (
    Boolean,
    String,
    and_,
    bindparam,
    cast,
    exists,
    false,
    insert,
    or_,
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
from controller.state.database import Transaction
from controller.state.rounds.counts import LAST_OUTCOME, SWEEP_OF_JOB, count_outcome
from controller.state.schema import jobs, measurements
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

_THIS, _OTHER = jobs.alias("this"), jobs.alias("other")
_OF_JOB = {
    column.name: select(column).where(jobs.c.job_id == bindparam("of_job")).scalar_subquery()
    for column in (jobs.c.device_id, jobs.c.backbone, jobs.c.position)
}
# What differs in any of these may be ranked as something else; what is alike in all is not.
_ALIKE = (
    *(
        _THIS.c[name] == _OTHER.c[name]
        for name in ("format", "precision", "target", "input_size", "batch", "is_sentinel")
    ),
    cast(_THIS.c.settings, String) == cast(_OTHER.c.settings, String),
    or_(
        _THIS.c.conversion_key == _OTHER.c.conversion_key,
        # Without an artifact, the sweep says of which weights it would have been.
        and_(
            _THIS.c.conversion_key.is_(None),
            _OTHER.c.conversion_key.is_(None),
            _THIS.c.sweep_id == _OTHER.c.sweep_id,
        ),
    ),
)
# What is asked for each job that ends is put together once.
_ADD = insert(measurements).values(sweep_id=SWEEP_OF_JOB, ordinal=LAST_OUTCOME, **_OF_JOB)
_OUTDATE = (
    update(measurements)
    .where(
        measurements.c.is_newest.is_(True),
        measurements.c.device_id == _OF_JOB["device_id"],
        measurements.c.backbone == _OF_JOB["backbone"],
        measurements.c.verdict == bindparam("this_verdict", type_=measurements.c.verdict.type),
        measurements.c.latency.is_(None) == bindparam("is_without_figures", type_=Boolean()),
        # A clock that was set back makes nothing newer than it is.
        measurements.c.committed_at_unix_ms <= bindparam("this_committed_at"),
        exists().where(
            _THIS.c.job_id == bindparam("of_job"),
            _OTHER.c.job_id == measurements.c.job_id,
            *_ALIKE,
        ),
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
            _LATER.c.is_newest.is_(True),
            _LATER.c.device_id == _OF_JOB["device_id"],
            _LATER.c.backbone == _OF_JOB["backbone"],
            _LATER.c.verdict == bindparam("this_verdict", type_=measurements.c.verdict.type),
            _LATER.c.latency.is_(None) == bindparam("is_without_figures", type_=Boolean()),
            _LATER.c.committed_at_unix_ms > bindparam("this_committed_at"),
            _THIS.c.job_id == bindparam("of_job"),
            _OTHER.c.job_id == _LATER.c.job_id,
            *_ALIKE,
        ),
    )
    .values(is_newest=false())
)


def record_conclusion(
    transaction: Transaction, job_id: str, conclusion: Conclusion, now_unix_ms: int
) -> None:
    """Keeps how a job ended; the transaction is the caller's, which writes."""
    count_outcome(transaction, job_id)
    transaction.execute(_OUTDATE, _this(job_id, conclusion, now_unix_ms))
    kept = {
        "measurement_id": uuid.uuid4().hex,
        "job_id": job_id,
        "of_job": job_id,
        "committed_at_unix_ms": now_unix_ms,
    }
    transaction.execute(_ADD, kept | vars(conclusion))


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
