"""How jobs ended: kept, and which of it nothing newer stands for."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Row,
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
from controller.state.measurements.stamps import last_of_device
from controller.state.rounds.counts import add_counts
from controller.state.schema import candidates, jobs, measurements, sweep_counts
from controller.state.schema.columns import SharedDocument
from controller.state.schema.many_rows import write_rows
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
_THESE = jobs.c.job_id.in_(bindparam("of_jobs", expanding=True))
# What is asked for jobs that end is put together once.
_ENDING = (
    select(
        jobs.c.job_id,
        jobs.c.sweep_id,
        jobs.c.device_id,
        jobs.c.backbone,
        jobs.c.position,
        sweep_counts.c.outcomes,
        func.coalesce(last_of_device(jobs.c.device_id), 0).label("device_outcomes"),
        select(func.min(candidates.c.candidate_id))
        .where(_IS_CANDIDATE)
        .scalar_subquery()
        .label("candidate_id"),
    )
    .join(sweep_counts, sweep_counts.c.sweep_id == jobs.c.sweep_id)
    .where(_THESE)
)
_ADD_CANDIDATE = insert(candidates).from_select(
    list(_SAID_OF_CANDIDATE),
    select(*_SAID_OF_CANDIDATE.values()).where(
        jobs.c.job_id == bindparam("of_job"), ~exists().where(_IS_CANDIDATE)
    ),
)
_ADD = insert(measurements)


def _is_alike(other: FromClause) -> ColumnElement[bool]:
    """Whether another measurement is of the same, and as good to go by."""
    return and_(
        other.c.is_newest.is_(True),
        other.c.device_id == bindparam("of_device"),
        other.c.backbone == bindparam("of_backbone"),
        other.c.candidate_id == bindparam("of_candidate"),
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


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """That a job ended, how, and which outcome of its sweep and of its device it is.

    It has ended but once.
    """

    job: Row[Any]
    number: int
    number_on_device: int
    conclusion: Conclusion

    @property
    def alike(self) -> tuple[object, ...]:
        """What has the same here is of the same, and as good to go by."""
        told = self.conclusion
        job = self.job
        return job.device_id, job.candidate_id, told.verdict, told.latency is None


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How a job ended elsewhere.

    Attributes:
        conclusion: what follows from its samples.
        content_sha256: by which it is known again.
        at_unix_ms: from when on it counts.
    """

    conclusion: Conclusion
    content_sha256: str
    at_unix_ms: int


@dataclass(frozen=True)
class _Kept:
    """How a job ended, and from when on it counts; of what was measured here, no digest is kept."""

    concluded: Concluded
    at_unix_ms: int
    content_sha256: str | None = None


def record_conclusion(
    transaction: Transaction, job_id: str, conclusion: Conclusion, now_unix_ms: int
) -> None:
    """Keeps how a job ended; the transaction is the caller's, which writes."""
    record_conclusions(transaction, {job_id: conclusion}, now_unix_ms)


def record_conclusions(
    transaction: Transaction, conclusions: Mapping[str, Conclusion], now_unix_ms: int
) -> list[Concluded]:
    """Keeps how jobs ended, by their ids and in this order, as `record_conclusion` does one."""
    concluded = _concluded(transaction, conclusions)
    if concluded:
        _keep(transaction, [_Kept(each, now_unix_ms) for each in concluded])
    return concluded


def _concluded(transaction: Transaction, conclusions: Mapping[str, Conclusion]) -> list[Concluded]:
    if not conclusions:
        return []
    ending = _ending(transaction, list(conclusions))
    more, more_on = Counter[str](), Counter[str]()
    concluded = []
    for job_id, conclusion in conclusions.items():
        job = ending[job_id]
        more[job.sweep_id] += 1
        more_on[job.device_id] += 1
        concluded.append(
            Concluded(
                job=job,
                number=job.outcomes + more[job.sweep_id],
                number_on_device=job.device_outcomes + more_on[job.device_id],
                conclusion=conclusion,
            )
        )
    for sweep_id, count in more.items():
        add_counts(transaction, sweep_id, {"outcomes": count})
    return concluded


def _keep(transaction: Transaction, several: Sequence[_Kept]) -> None:
    """Keeps what counts from ascending moments on; of what is alike, the last is the newest."""
    write_rows(transaction, _OUTDATE, [_this(each) for each in several])
    newest = {each.concluded.alike: each for each in several}
    rows = [_row(each, newest[each.concluded.alike] is each) for each in several]
    write_rows(transaction, _ADD, rows)


def _ending(transaction: Transaction, job_ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    """What of jobs is kept with how they ended; what they measured is kept by now."""
    found = {row.job_id: row for row in transaction.execute(_ENDING, {"of_jobs": job_ids})}
    new = [job_id for job_id in job_ids if found[job_id].candidate_id is None]
    if new:
        transaction.execute(_ADD_CANDIDATE, [{"of_job": job_id} for job_id in new])
        found |= {row.job_id: row for row in transaction.execute(_ENDING, {"of_jobs": new})}
    return found


def _row(kept: _Kept, is_newest: bool) -> dict[str, object]:
    concluded = kept.concluded
    job = concluded.job
    return {
        "measurement_id": uuid.uuid4().hex,
        "job_id": job.job_id,
        "sweep_id": job.sweep_id,
        "device_id": job.device_id,
        "backbone": job.backbone,
        "position": job.position,
        "candidate_id": job.candidate_id,
        "ordinal": concluded.number,
        "device_ordinal": concluded.number_on_device,
        "is_newest": is_newest,
        "committed_at_unix_ms": kept.at_unix_ms,
        "content_sha256": kept.content_sha256,
        **vars(concluded.conclusion),
        **_ranked_by(concluded.conclusion),
    }


def record_imported(transaction: Transaction, imported: Mapping[str, Imported]) -> None:
    """As `record_conclusions`, of what counts from moments on that may lie before those of others.

    What was recorded as of a later moment stays newer, whichever comes first.
    """
    concluded = _concluded(
        transaction, {job_id: each.conclusion for job_id, each in imported.items()}
    )
    kept = [
        _Kept(each, told.at_unix_ms, told.content_sha256)
        for each, told in zip(concluded, imported.values(), strict=True)
    ]
    if kept:
        _keep(transaction, sorted(kept, key=attrgetter("at_unix_ms")))
        outdated = [{"of_job": each.concluded.job.job_id, **_this(each)} for each in kept]
        write_rows(transaction, _OUTDATE_THIS, outdated)


def _this(kept: _Kept) -> dict[str, object]:
    job, conclusion = kept.concluded.job, kept.concluded.conclusion
    return {
        "of_device": job.device_id,
        "of_backbone": job.backbone,
        "of_candidate": job.candidate_id,
        "this_verdict": conclusion.verdict,
        "is_without_figures": conclusion.latency is None,
        "this_committed_at": kept.at_unix_ms,
    }


def _ranked_by(conclusion: Conclusion) -> dict[str, float | int | None]:
    """The figures of which a ranking is made, by their columns."""
    figures = ((conclusion.latency, TIMES), (conclusion.memory, PEAKS))
    return {
        name: None if told is None else getattr(told, name)
        for told, names in figures
        for name in names
    }
