"""Accuracy figures: published ones with their backbones, and imported ones beside them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, delete, insert, select

from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyMetric,
    Dataset,
    FigureKey,
    key_of,
)
from controller.state.database import Database, Transaction
from controller.state.schema import accuracies, backbones, own_models
from models.catalog.catalog import IMAGENET, INT8_ACCURACY, Backbone, Catalog
from models.catalog.precisions import QUANTISED, Precision

_KEY = ("backbone", "dataset", "metric", "precision")
"""What there is one accuracy figure of, in the order of a FigureKey."""


@dataclass(frozen=True)
class StoredFigure:
    """An accuracy figure as it is remembered: published by the catalog, or imported."""

    key: FigureKey
    value_percent: float
    is_published: bool


def store_catalog(database: Database, catalog: Catalog) -> None:
    """Replaces the catalog's rows by those of `catalog`; imported accuracy stays.

    Where somebody imported what the catalog publishes by now, the published figure counts.
    """
    published = list(_published(catalog))
    with database.transaction() as transaction:
        transaction.execute(delete(accuracies).where(accuracies.c.imported_at_unix_ms.is_(None)))
        _delete_figures(transaction, [{part: row[part] for part in _KEY} for row in published])
        if published:
            transaction.execute(insert(accuracies), published)
        transaction.execute(delete(backbones))
        transaction.execute(insert(backbones), [backbone_row(backbone) for backbone in catalog])


def list_figures(transaction: Transaction) -> tuple[StoredFigure, ...]:
    """Every accuracy figure, by dataset."""
    rows = transaction.execute(select(accuracies).order_by(accuracies.c.dataset)).all()
    return tuple(
        StoredFigure(
            key=(
                row.backbone,
                row.dataset,
                AccuracyMetric(row.metric),
                Precision(row.precision),
            ),
            value_percent=row.value_percent,
            is_published=row.imported_at_unix_ms is None,
        )
        for row in rows
    )


def put_figures(
    transaction: Transaction,
    figures: Sequence[AccuracyFigure],
    in_place_of: Collection[FigureKey],
    now_unix_ms: int,
) -> None:
    """Keeps imported figures, in the place of those that have these keys."""
    _delete_figures(transaction, [dict(zip(_KEY, key, strict=True)) for key in in_place_of])
    if figures:
        transaction.execute(insert(accuracies), [_row(figure, now_unix_ms) for figure in figures])


def list_datasets(database: Database) -> tuple[Dataset, ...]:
    """Every dataset that accuracy is known on, by name."""
    with database.transaction() as transaction:
        keys = [figure.key for figure in list_figures(transaction)]
    return tuple(_dataset(name, list(of)) for name, of in groupby(keys, lambda key: key[1]))


def known_top1(database: Database, dataset: str) -> dict[str, float]:
    """The fp32 top-1 of every backbone on a dataset, percent; any int8 of what came quantised."""
    came_quantised = select(own_models.c.name).where(own_models.c.precision == Precision.INT8)
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(accuracies.c.backbone, accuracies.c.value_percent)
            .where(
                accuracies.c.dataset == dataset,
                accuracies.c.metric == AccuracyMetric.TOP1,
                case(
                    (
                        accuracies.c.backbone.in_(came_quantised),
                        accuracies.c.precision.in_(QUANTISED),
                    ),
                    else_=accuracies.c.precision == Precision.FP32,
                ),
            )
            # The last one counts.
            .order_by(place_of(accuracies.c.precision).desc())
        ).all()
    return {row.backbone: row.value_percent for row in rows}


def place_of(precision: ColumnElement[Precision]) -> ColumnElement[int]:
    """The place of a precision among those that tell the accuracy of what came quantised."""
    return case(
        *((precision == each, place) for place, each in enumerate(QUANTISED)),
        else_=len(QUANTISED),
    )


def backbone_row(backbone: Backbone) -> dict[str, Any]:
    """A backbone as its row."""
    return {
        "name": backbone.name,
        "series": backbone.series,
        "params_m": backbone.params_m,
        "flops_g": backbone.flops_g,
    }


def _delete_figures(transaction: Transaction, keys: Sequence[Mapping[str, object]]) -> None:
    if not keys:
        return
    is_of_key = [accuracies.c[part] == bindparam(f"old_{part}") for part in _KEY]
    transaction.execute(
        delete(accuracies).where(*is_of_key),
        [{f"old_{part}": value for part, value in key.items()} for key in keys],
    )


def _published(catalog: Catalog) -> Iterator[dict[str, Any]]:
    for backbone in catalog:
        for metric, percent in (
            (AccuracyMetric.TOP1, backbone.top1),
            (AccuracyMetric.TOP5, backbone.top5),
        ):
            if percent is not None:
                yield {
                    "backbone": backbone.name,
                    "dataset": IMAGENET,
                    "metric": metric,
                    "precision": _published_precision(backbone),
                    "value_percent": percent,
                    "source": backbone.source,
                }


def _published_precision(backbone: Backbone) -> Precision:
    is_int8 = backbone.name in INT8_ACCURACY
    return Precision.INT8 if is_int8 else Precision.FP32


def _row(figure: AccuracyFigure, now_unix_ms: int) -> dict[str, object]:
    return dict(zip(_KEY, key_of(figure), strict=True)) | {
        "value_percent": figure.value_percent,
        "source": figure.source,
        "imported_at_unix_ms": now_unix_ms,
    }


def _dataset(name: str, keys: Sequence[FigureKey]) -> Dataset:
    return Dataset(
        name=name,
        backbone_count=len({backbone for backbone, _, _, _ in keys}),
        figure_count=len(keys),
        metrics=tuple(each for each in AccuracyMetric if each in {key[2] for key in keys}),
        precisions=tuple(each for each in Precision if each in {key[3] for key in keys}),
    )
