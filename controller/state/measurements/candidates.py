"""What measurements are of, as ranking needs it: read once for all devices that measured it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Select, String, bindparam, case, select, type_coerce

from controller.domain.catalog import AccuracyMetric
from controller.domain.rankings.rows import CandidateTable
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Transaction
from controller.state.measurements import weights_inside
from controller.state.schema import accuracies, artifacts, backbones, candidates, sweeps
from controller.state.schema.columns import IsJson, read_document
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, WeightsKind
from protos.measuring import MeasureSettings


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What candidates are, with accuracy on one dataset.

    Attributes:
        ids: of those that somebody asked for.
        table: what these are.
        sentinels: ids of the others.
    """

    ids: Sequence[int] = ()
    table: CandidateTable = field(default_factory=lambda: _table({}))
    sentinels: Sequence[int] = ()

    def joined(self, other: "Candidates") -> "Candidates":
        """These and others."""
        both = {
            name: (*getattr(self.table, name), *getattr(other.table, name)) for name in _TOLD_OF
        }
        return Candidates(
            (*self.ids, *other.ids), _table(both), (*self.sentinels, *other.sentinels)
        )


_TOLD_OF: Final = tuple(each.name for each in fields(CandidateTable))
_AT_ONCE: Final = 500
# As many are read besides at most for each that is wanted.
_CLOSE: Final = 4
_DATASETS: Final = 16
_VALUES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(each.value for each in kind)
    for name, kind in (
        ("format", Format),
        ("precision", Precision),
        ("target", Target),
        ("weights", WeightsKind),
    )
}
_TEXTS: Final = ("backbone", "series", "input_size")
_NUMBERS: Final = ("batch", "top1", "params_m", "artifact_size_bytes")


class Damaged(Exception):
    """Something that is stored cannot be read here; whoever reads rows whole leaves it out."""


def read_candidates(
    transaction: Transaction, candidate_ids: Sequence[int], dataset: str
) -> Candidates:
    """What these candidates are, of which there is at least one.

    Raises:
        Damaged: something of one cannot be read, or one is not there.
    """
    rows = _rows(transaction, candidate_ids)
    if len(rows) < len(candidate_ids):
        raise Damaged("candidate_id")
    sentinels = [each.candidate_id for each in rows if each.is_sentinel]
    asked = [each for each in rows if not each.is_sentinel]
    if not asked:
        return Candidates(sentinels=sentinels)
    column = dict(zip(asked[0]._fields, zip(*asked, strict=True), strict=True))
    of_backbones = {row.name: row for row in transaction.execute(_BACKBONES)}
    found = [of_backbones.get(name) for name in column["backbone"]]
    settings = list(map(cache(_settings), map(_text, column["settings"])))
    told: dict[str, Sequence[Any]] = {
        **column,
        "series": [each.series if each else "" for each in found],
        "weights": _weights(transaction, column, [each.series if each else None for each in found]),
        "settings": settings,
        "runtime": [each.runtime.value for each in settings],
        "threads": [each.threads for each in settings],
        "top1": _top1(transaction, column, dataset),
        "params_m": [each.params_m if each else None for each in found],
        "artifact_size_bytes": [each or 0 for each in column["size_bytes"]],
    }
    _check(told)
    return Candidates(column["candidate_id"], _table(told), sentinels)


def _table(told: Mapping[str, Sequence[Any]]) -> CandidateTable:
    return CandidateTable(**{name: told.get(name, ()) for name in _TOLD_OF})


def _rows(transaction: Transaction, candidate_ids: Sequence[int]) -> list[Any]:
    """The rows of candidates; where they lie close together, by the ends of where they lie."""
    first, last = min(candidate_ids), max(candidate_ids)
    if last - first < _CLOSE * len(candidate_ids):
        wanted = set(candidate_ids)
        between = transaction.execute(_TOLD_BETWEEN, {"first": first, "last": last}).all()
        return [each for each in between if each.candidate_id in wanted]
    rows: list[Any] = []
    for start in range(0, len(candidate_ids), _AT_ONCE):
        some = {"candidate_ids": candidate_ids[start : start + _AT_ONCE]}
        rows += transaction.execute(_TOLD, some).all()
    return rows


def _check(told: Mapping[str, Sequence[Any]]) -> None:
    for name, values in _VALUES.items():
        if not values.issuperset(told[name]):
            raise Damaged(name)
    for name in _TEXTS:
        if not set(map(type, told[name])) <= {str}:
            raise Damaged(name)
    for name in _NUMBERS:
        if not all(map(_is_number, set(told[name]))):
            raise Damaged(name)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))


def _stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as it is stored: of thousands of rows little is made."""
    return type_coerce(column, String).label(column.key)


_ALL_TOLD: Final = (
    select(
        candidates.c.candidate_id,
        candidates.c.made_of,
        candidates.c.backbone,
        *(
            _stored(candidates.c[name])
            for name in ("format", "precision", "target", "input_size", "settings")
        ),
        candidates.c.batch,
        candidates.c.is_sentinel,
        artifacts.c.size_bytes,
        _stored(artifacts.c.weights),
    )
    .select_from(candidates)
    .outerjoin(artifacts, artifacts.c.conversion_key == candidates.c.made_of)
)
_TOLD: Final = _ALL_TOLD.where(
    candidates.c.candidate_id.in_(bindparam("candidate_ids", expanding=True))
)
_TOLD_BETWEEN: Final = _ALL_TOLD.where(
    candidates.c.candidate_id.between(bindparam("first"), bindparam("last"))
)
_BACKBONES: Final = select(backbones.c.name, backbones.c.series, backbones.c.params_m)


def _text(stored: Any) -> str:
    """A document as a text; a database that has a type for it has read it."""
    return stored if isinstance(stored, str) else json.dumps(stored)


def _settings(stored: str) -> MeasureSettings:
    read = read_document(stored, MeasureSettings)
    if not isinstance(read, MeasureSettings):
        raise Damaged("settings")
    return read


def _weights(
    transaction: Transaction, column: Mapping[str, Sequence[Any]], series: Sequence[str | None]
) -> list[Any]:
    pairs = zip(column["weights"], column["made_of"], strict=True)
    without = {sweep_id for weights, sweep_id in pairs if weights is None}
    asked = case((IsJson(sweeps.c.spec), type_coerce(sweeps.c.spec, JSON)["weights"].as_string()))
    query = select(sweeps.c.sweep_id, asked).where(sweeps.c.sweep_id.in_(without))
    of_sweeps = dict(transaction.execute(query).tuples().all()) if without else {}
    return [
        weights_inside(of, weights, of_sweeps.get(made_of), WeightsKind.OWN.value)
        for of, weights, made_of in zip(series, column["weights"], column["made_of"], strict=True)
    ]


def _top1(
    transaction: Transaction, column: Mapping[str, Sequence[Any]], dataset: str
) -> list[float | None]:
    """The accuracy of each; of candidates of one variant it is looked for once."""
    variants = list(
        zip(
            *(column[name] for name in ("made_of", "backbone", "precision", "input_size")),
            strict=True,
        )
    )
    one_of = dict(zip(variants, column["candidate_id"], strict=True))
    found: dict[int, float | None] = {}
    ids = list(one_of.values())
    for start in range(0, len(ids), _AT_ONCE):
        some = {"candidate_ids": ids[start : start + _AT_ONCE]}
        found.update(transaction.execute(_top1_of(dataset), some).tuples().all())
    return [found[one_of[each]] for each in variants]


@lru_cache(maxsize=_DATASETS)
def _top1_of(dataset: str) -> Select[Any]:
    top1 = accuracies.alias("top1")
    is_of_size = top1.c.input_size.is_(None) | (top1.c.input_size == candidates.c.input_size)
    return (
        select(candidates.c.candidate_id, case((is_of_size, top1.c.value_percent)))
        .select_from(candidates)
        .outerjoin(artifacts, artifacts.c.conversion_key == candidates.c.made_of)
        .outerjoin(
            top1, top1.c.figure_id == figure_of_job(AccuracyMetric.TOP1, dataset, candidates)
        )
        .where(candidates.c.candidate_id.in_(bindparam("candidate_ids", expanding=True)))
    )
