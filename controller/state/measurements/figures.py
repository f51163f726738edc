"""What ranking needs of a device's newest measurements: few columns, read as they are stored."""

import json
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import JSON, ColumnElement, Select, String, bindparam, case, select, type_coerce

from controller.domain.catalog import AccuracyMetric
from controller.domain.measurements import Verdict
from controller.domain.rankings.rows import FigureTable, TimesRow, table_of
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements import are_times
from controller.state.schema import (
    accuracies,
    artifacts,
    backbones,
    devices,
    jobs,
    measurements,
    sweeps,
)
from controller.state.schema.columns import IsJson, read_document
from controller.state.schema.unreadable import MAX_WHOLE
from models.catalog.own import OWN_SERIES
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, WeightsKind
from protos.measuring import MeasureSettings

Top1: TypeAlias = dict[Hashable, float | None]
"""The top-1 of each variant, percent, on one dataset, while no accuracy changes."""

MOST_BY_ID: Final = 1_000
"""Of more than so many, all are read: a statement takes only so many parameters."""
_AT_ONCE: Final = 500
_DATASETS: Final = 16
_VALUES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(each.value for each in kind)
    for name, kind in (
        ("format", Format),
        ("precision", Precision),
        ("target", Target),
        ("verdict", Verdict),
        ("weights", WeightsKind),
    )
}


_TEXTS: Final = ("measurement_id", "backbone", "series", "input_size")
_NUMBERS: Final = ("batch", "top1", "params_m", "artifact_size_bytes")


class Damaged(Exception):
    """Something that is stored cannot be read here; whoever reads rows whole leaves it out."""


def newest_ids(database: Database, device_id: str) -> list[str]:
    """The ids of those that `read_figures` reads, in its order."""
    with database.transaction() as transaction:
        return list(transaction.scalars(_IDS, {"device_id": device_id}))


def read_figures(
    database: Database,
    device_id: str,
    dataset: str,
    known: Top1,
    only: Sequence[str] | None = None,
) -> FigureTable:
    """What is enough to choose the newest of each thing by, as `list_newest` gives it.

    Args:
        database: the controller's.
        device_id: whose measurements.
        dataset: whose accuracy counts.
        known: what was found before; what is found now is put into it.
        only: measurements to read, by their ids, at most `MOST_BY_ID`; None reads all.

    Raises:
        Damaged: something of it cannot be read.
    """
    with database.transaction() as transaction:
        if only is None:
            rows = transaction.execute(_OF_DEVICE, {"device_id": device_id}).all()
        else:
            rows = transaction.execute(_OF_SOME, {"measurement_ids": list(only)}).all()
        if not rows:
            return table_of(())
        column = dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))
        emulator = transaction.scalar(
            select(emulator_told()).where(devices.c.device_id == device_id)
        )
        of_backbones = {
            row.name: row
            for row in transaction.execute(
                select(backbones.c.name, backbones.c.series, backbones.c.params_m)
            )
        }
        weights = _weights(transaction, column, of_backbones)
        top1 = _top1(transaction, column, dataset, known)
    found = [of_backbones.get(name) for name in column["backbone"]]
    settings = _settings(column["settings"])
    table: dict[str, Sequence[Any]] = {
        "measurement_id": column["measurement_id"],
        "backbone": column["backbone"],
        "series": ["" if each is None else each.series for each in found],
        "weights": weights,
        **{
            name: column[name]
            for name in ("format", "precision", "target", "input_size", "batch", "verdict")
        },
        "settings": settings,
        "runtime": [each.runtime.value for each in settings],
        "threads": [each.threads for each in settings],
        "is_emulated": [bool(emulator)] * len(rows),
        "top1": top1,
        "params_m": [None if each is None else each.params_m for each in found],
        "artifact_size_bytes": [each or 0 for each in column["size_bytes"]],
        "latency": [_times(each) for each in _documents(column["latency"])],
        **_memory(column["memory"]),
    }
    return _checked(FigureTable(**table))


def _checked(table: FigureTable) -> FigureTable:
    for name, values in _VALUES.items():
        if not values.issuperset(getattr(table, name)):
            raise Damaged(name)
    for name in _TEXTS:
        if not all(isinstance(each, str) for each in getattr(table, name)):
            raise Damaged(name)
    for name in _NUMBERS:
        if not all(_is_number(each) for each in set(getattr(table, name)) - {None}):
            raise Damaged(name)
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _told() -> Select[Any]:
    return (
        select(
            measurements.c.measurement_id,
            jobs.c.job_id,
            jobs.c.sweep_id,
            jobs.c.conversion_key,
            jobs.c.backbone,
            *map(_stored, (jobs.c.format, jobs.c.precision, jobs.c.target, jobs.c.input_size)),
            jobs.c.batch,
            *map(_stored, (jobs.c.settings, measurements.c.verdict)),
            *map(_stored, (measurements.c.latency, measurements.c.memory)),
            artifacts.c.size_bytes,
            _stored(artifacts.c.weights),
        )
        .select_from(measurements)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
    )


def _oldest_first(query: Select[Any]) -> Select[Any]:
    """Those of a device, the oldest first."""
    # A sum: else SQLite reads all of a device, since another index has them in this order.
    return query.where(
        measurements.c.is_newest.is_(True),
        measurements.c.device_id == bindparam("device_id"),
        jobs.c.is_sentinel.is_(False),
    ).order_by(
        measurements.c.committed_at_unix_ms + 0,
        measurements.c.position,
        measurements.c.measurement_id,
    )


def _stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as it is stored: of thousands of rows little is made."""
    return type_coerce(column, String).label(column.key)


_OF_DEVICE: Final = _oldest_first(_told())
_OF_SOME: Final = _told().where(
    measurements.c.measurement_id.in_(bindparam("measurement_ids", expanding=True))
)
_IDS: Final = _oldest_first(
    select(measurements.c.measurement_id).join(jobs, jobs.c.job_id == measurements.c.job_id)
)


def _documents(texts: Iterable[Any]) -> list[Any]:
    """What JSON texts say, read as one; a database that has a type for it has read it."""
    try:
        told = [each if isinstance(each, str) else json.dumps(each) for each in texts]
        found: list[Any] = json.loads(f"[{','.join(told)}]")
    except (RecursionError, TypeError, ValueError) as error:
        raise Damaged("a document") from error
    if len(found) != len(told):
        raise Damaged("a document")
    return found


def _settings(texts: Iterable[Any]) -> list[MeasureSettings]:
    read = cache(lambda text: read_document(text, MeasureSettings))
    read_all = [read(each if isinstance(each, str) else json.dumps(each)) for each in texts]
    found = [each for each in read_all if isinstance(each, MeasureSettings)]
    if len(found) < len(read_all):
        raise Damaged("settings")
    return found


def _times(document: Any) -> TimesRow | None:
    if document is None:
        return None
    try:
        found = TimesRow(*[float(document[name]) for name in TimesRow._fields])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("latency") from error
    if not are_times(found.median_ms, found.low_ms, found.high_ms) or not all(
        map(math.isfinite, found)
    ):
        raise Damaged("latency")
    return found


def _memory(texts: Iterable[Any]) -> dict[str, list[int | None]]:
    names = ("peak_rss_bytes", "least_peak_rss_bytes")
    found = [each or {} for each in _documents(texts)]
    try:
        columns = {name: [each.get(name) for each in found] for name in names}
    except AttributeError as error:
        raise Damaged("memory") from error
    if not all(
        each is None or (isinstance(each, int) and 0 <= each <= MAX_WHOLE)
        for column in columns.values()
        for each in column
    ):
        raise Damaged("memory")
    return columns


def _weights(
    transaction: Transaction, column: Mapping[str, Sequence[Any]], of_backbones: Mapping[str, Any]
) -> list[Any]:
    """Those inside; a job whose conversion was refused has no artifact, so those asked for."""
    pairs = zip(column["weights"], column["sweep_id"], strict=True)
    without = {sweep_id for weights, sweep_id in pairs if weights is None}
    asked = case((IsJson(sweeps.c.spec), type_coerce(sweeps.c.spec, JSON)["weights"].as_string()))
    query = select(sweeps.c.sweep_id, asked).where(sweeps.c.sweep_id.in_(without))
    of_sweeps = dict(transaction.execute(query).tuples().all()) if without else {}
    own = {name for name, row in of_backbones.items() if row.series == OWN_SERIES}
    return [
        WeightsKind.OWN.value if name in own else weights or of_sweeps.get(sweep_id)
        for name, weights, sweep_id in zip(
            column["backbone"], column["weights"], column["sweep_id"], strict=True
        )
    ]


def _top1(
    transaction: Transaction, column: Mapping[str, Sequence[Any]], dataset: str, known: Top1
) -> list[float | None]:
    """The accuracy of each; of jobs of one variant it is looked for once."""
    variants = list(
        zip(
            *(column[name] for name in ("backbone", "precision", "input_size", "conversion_key")),
            strict=True,
        )
    )
    new = {
        job_id: variant
        for variant, job_id in dict(zip(variants, column["job_id"], strict=True)).items()
        if variant not in known
    }
    job_ids = list(new)
    for start in range(0, len(job_ids), _AT_ONCE):
        some = {"job_ids": job_ids[start : start + _AT_ONCE]}
        for job_id, percent in transaction.execute(_top1_of_jobs(dataset), some):
            known[new[job_id]] = percent
    return [known[each] for each in variants]


@lru_cache(maxsize=_DATASETS)
def _top1_of_jobs(dataset: str) -> Select[Any]:
    top1 = accuracies.alias("top1")
    is_of_size = top1.c.input_size.is_(None) | (top1.c.input_size == jobs.c.input_size)
    return (
        select(jobs.c.job_id, case((is_of_size, top1.c.value_percent)))
        .select_from(jobs)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(top1, top1.c.figure_id == figure_of_job(AccuracyMetric.TOP1, dataset))
        .where(jobs.c.job_id.in_(bindparam("job_ids", expanding=True)))
    )
