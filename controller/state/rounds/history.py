"""What was measured before: figures that may stand for jobs, and how long measuring took."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Case,
    ColumnElement,
    RowMapping,
    String,
    case,
    cast,
    func,
    select,
    type_coerce,
)

from controller.domain.jobs import TurnState
from controller.domain.measurements import LatencyFigures, Verdict
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.schema import artifacts, courses, devices, jobs, measurements, sweeps, turns
from controller.state.schema.columns import IsJson, read_document
from controller.state.schema.unreadable import readable
from protos.measuring import MeasureSettings
from protos.reasons import Reason
from protos.runtimes import Runtime

# As many as tell how long measuring takes: an older one was of an older device, and a controller
# may have millions.
NEWEST_JOBS: Final = 20_000
# Below what any SQLite takes in one statement.
_AT_ONCE: Final = 500
# Of an earlier figure, each in a column of its name.
_OF_MEASUREMENT: Final = (
    "measurement_id",
    "job_id",
    "runtime_version",
    "runtime_build",
    "latency",
    "reasons",
)


@dataclass(frozen=True, kw_only=True)
class EarlierFigure:
    """A measurement that may stand for a job.

    Attributes:
        measurement_id: unique id.
        job_id: of the job that it is of.
        device_id: where it was measured.
        artifact_sha256: of the file that was measured.
        runtime_version: the runtime's.
        runtime_build: the same.
        latency: its figures.
        settings: how it was measured.
        asked: what its sweep was asked for.
        reasons: what is told of it besides.
    """

    measurement_id: str
    job_id: str
    device_id: str
    artifact_sha256: str
    runtime_version: str
    runtime_build: str
    latency: LatencyFigures
    settings: MeasureSettings
    asked: SweepSpec
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeasuringTime:
    """What repetitions of a backbone took on a device, those of the same length.

    Attributes:
        device_id: where.
        backbone: of what.
        runtime: with what.
        time_budget_ms: the longest that one could sample, ms.
        sustained_minutes: of inference without a pause.
        paced_fps: frames a second, behind inference back to back.
        turn_ms: what one took, the mean, ms.
        is_emulated: whether another CPU computed there, which takes far longer.
    """

    device_id: str
    backbone: str
    runtime: Runtime
    time_budget_ms: int
    sustained_minutes: int
    paced_fps: float
    turn_ms: float
    is_emulated: bool = False


def earlier_figures(
    database: Database, device_ids: Iterable[str], sha256s: Collection[str]
) -> Iterator[EarlierFigure]:
    """The figures of these files on these devices that others may rely on, the oldest first.

    Those of sentinels are none.
    """
    if not sha256s:
        return
    columns = (
        *(measurements.c[name] for name in _OF_MEASUREMENT),
        jobs.c.device_id,
        jobs.c.sweep_id,
        # Many jobs have the same, and making dataclasses of it is what takes time.
        cast(jobs.c.settings, String).label("settings_text"),
        artifacts.c.sha256,
    )
    query = (
        select(*columns)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(
            measurements.c.verdict.in_([Verdict.OK, Verdict.WIDE]),
            jobs.c.is_sentinel.is_(False),
        )
        .order_by(measurements.c.committed_at_unix_ms, jobs.c.position)
    )
    settings: dict[str, Any] = {}
    asked: dict[str, SweepSpec] = {}

    def earlier(row: RowMapping) -> EarlierFigure:
        text = row["settings_text"]
        if text not in settings:
            settings[text] = read_document(text, MeasureSettings)
        return EarlierFigure(
            **{name: row[name] for name in _OF_MEASUREMENT},
            device_id=row["device_id"],
            artifact_sha256=row["sha256"],
            settings=settings[text],
            asked=asked[row["sweep_id"]],
        )

    with database.transaction() as transaction:
        for some in _batches(device_ids):
            rows = transaction.execute(query.where(jobs.c.device_id.in_(some))).mappings()
            found = [row for row in rows if row["sha256"] in sha256s]
            asked |= _specs(transaction, {row["sweep_id"] for row in found} - asked.keys())
            yield from readable("measurement", "measurement_id", found, earlier)


def measuring_times(database: Database, backbones: Collection[str]) -> list[MeasuringTime]:
    """What repetitions of backbones took, by the newest jobs of the controller."""
    newest = (
        select(measurements.c.job_id)
        .order_by(measurements.c.committed_at_unix_ms.desc())
        .limit(NEWEST_JOBS)
        .subquery()
    )
    told = type_coerce(jobs.c.settings, JSON)
    length = (
        jobs.c.device_id,
        jobs.c.backbone,
        _of_json(told["runtime"].as_string()).label("runtime"),
        _of_json(told["time_budget_ms"].as_integer()).label("time_budget_ms"),
        _of_json(told["sustained_minutes"].as_integer()).label("sustained_minutes"),
        _of_json(told["paced_fps"].as_float()).label("paced_fps"),
    )
    query = (
        select(
            *length,
            func.avg(turns.c.spent_ms).label("turn_ms"),
            func.min(jobs.c.job_id).label("job_id"),
            emulator_told(),
        )
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .join(newest, newest.c.job_id == jobs.c.job_id)
        .join(turns, turns.c.job_id == jobs.c.job_id)
        .where(
            turns.c.state == TurnState.TAKEN,
            jobs.c.is_sentinel.is_(False),
            jobs.c.backbone.in_(backbones),
        )
        .group_by(*length, devices.c.device_id)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
    return list(readable("job", "job_id", rows, _measuring_time))


def longest_turns(database: Database, job_ids: Iterable[str]) -> Mapping[str, int]:
    """What the longest repetition of each of these jobs took, ms; of those that have any."""
    longest = select(turns.c.job_id, func.max(turns.c.spent_ms).label("longest_ms")).where(
        turns.c.state == TurnState.TAKEN, turns.c.spent_ms >= 0
    )
    with database.transaction() as transaction:
        return {
            row.job_id: row.longest_ms
            for some in _batches(job_ids)
            for row in transaction.execute(
                longest.where(turns.c.job_id.in_(some)).group_by(turns.c.job_id)
            )
            # A row that was spoilt tells nothing.
            if isinstance(row.longest_ms, int)
        }


def estimates_held(database: Database, device_ids: Collection[str]) -> Mapping[str, list[float]]:
    """What sweeps that ended took on each device, with waiting, by what they were expected to."""
    query = (
        select(courses.c.device_id, courses.c.spent_ms, courses.c.waited_ms, courses.c.expected_ms)
        .join(sweeps, sweeps.c.sweep_id == courses.c.sweep_id)
        .where(sweeps.c.phase == SweepPhase.ENDED, courses.c.expected_ms > 0)
    )
    ratios: dict[str, list[float]] = {}
    with database.transaction() as transaction:
        for row in transaction.execute(query):
            if row.device_id in device_ids:
                ratio = (row.spent_ms + row.waited_ms) / row.expected_ms
                ratios.setdefault(row.device_id, []).append(ratio)
    return ratios


def _of_json(told: ColumnElement[Any]) -> Case[Any]:
    """A path into what a job is told: into what is no JSON it would end the query for every row."""
    return case((IsJson(jobs.c.settings), told))


def _measuring_time(row: RowMapping) -> MeasuringTime:
    return MeasuringTime(
        device_id=row["device_id"],
        backbone=row["backbone"],
        runtime=Runtime(row["runtime"]),
        time_budget_ms=row["time_budget_ms"],
        sustained_minutes=row["sustained_minutes"],
        paced_fps=row["paced_fps"],
        turn_ms=float(row["turn_ms"]),
        is_emulated=bool(row["emulator"]),
    )


def _specs(transaction: Transaction, sweep_ids: Collection[str]) -> dict[str, SweepSpec]:
    return {
        row.sweep_id: row.spec
        for some in _batches(sweep_ids)
        for row in transaction.execute(
            select(sweeps.c.sweep_id, sweeps.c.spec).where(sweeps.c.sweep_id.in_(some))
        )
    }


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, _AT_ONCE)):
        yield some
