"""Accuracy figures: published ones, and those that people import beside them."""

import difflib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert, select

from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyImport,
    AccuracyMetric,
    AccuracyPrecision,
    Dataset,
    FigureKey,
    key_of,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.own.accuracy import check_accuracies
from controller.state.catalog import ACCURACY_KEY
from controller.state.database import transaction
from controller.state.schema import accuracies
from models.catalog.catalog import IMAGENET, Catalog


def import_accuracies(
    engine: Engine, figures: Sequence[AccuracyFigure], catalog: Catalog, now_unix_ms: int
) -> AccuracyImport:
    """Takes in every figure or none; one of the same key takes the other's place.

    Raises:
        EdgerankError: a figure cannot hold (see `check_accuracies`).
    """
    with transaction(engine) as connection:
        stored = _stored(connection)
        check_accuracies(
            figures,
            catalog,
            {_key(row) for row in stored if row.imported_at_unix_ms is None},
            {_key(row): row.value_percent for row in stored},
        )
        replaced = {_key(row) for row in stored} & {key_of(figure) for figure in figures}
        if replaced:
            connection.execute(
                delete(accuracies).where(
                    *(accuracies.c[column] == bindparam(f"old_{column}") for column in ACCURACY_KEY)
                ),
                [
                    {
                        "old_backbone": backbone,
                        "old_dataset": dataset,
                        "old_metric": metric.value,
                        "old_precision": precision.value,
                    }
                    for backbone, dataset, metric, precision in replaced
                ],
            )
        connection.execute(insert(accuracies), [_row(figure, now_unix_ms) for figure in figures])
    return AccuracyImport(figure_count=len(figures), replaced_count=len(replaced))


def list_datasets(engine: Engine) -> tuple[Dataset, ...]:
    """Every dataset that accuracy is known on, by name."""
    with transaction(engine) as connection:
        stored = _stored(connection)
    return tuple(
        _dataset(name, list(rows)) for name, rows in groupby(stored, lambda row: row.dataset)
    )


def check_dataset(engine: Engine, dataset: str) -> None:
    """Refuses a dataset that no accuracy is known on.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    known = [each.name for each in list_datasets(engine)]
    if dataset == IMAGENET or dataset in known:
        return
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(dataset.casefold(), by_folded, n=3, cutoff=0.5)
    names = [by_folded[folded] for folded in near] or known[:3] or [IMAGENET]
    raise EdgerankError(
        ErrorCode.UNKNOWN_NAME,
        f"no accuracy is known on a dataset named {dataset!r}; nearest: {', '.join(names)}",
    )


def known_top1(engine: Engine, dataset: str) -> dict[str, float]:
    """The fp32 top-1 of every backbone on a dataset, percent."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(accuracies.c.backbone, accuracies.c.value_percent).where(
                accuracies.c.dataset == dataset,
                accuracies.c.metric == AccuracyMetric.TOP1.value,
                accuracies.c.precision == AccuracyPrecision.FP32.value,
            )
        ).all()
    return {row.backbone: row.value_percent for row in rows}


def _stored(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(accuracies).order_by(accuracies.c.dataset)).all()


def _key(row: Row[Any]) -> FigureKey:
    metric, precision = AccuracyMetric(row.metric), AccuracyPrecision(row.precision)
    return (row.backbone, row.dataset, metric, precision)


def _row(figure: AccuracyFigure, now_unix_ms: int) -> dict[str, object]:
    return {
        "backbone": figure.backbone,
        "dataset": figure.dataset,
        "metric": figure.metric.value,
        "precision": figure.precision.value,
        "value_percent": figure.value_percent,
        "source": figure.source,
        "imported_at_unix_ms": now_unix_ms,
    }


def _dataset(name: str, rows: Sequence[Row[Any]]) -> Dataset:
    return Dataset(
        name=name,
        backbone_count=len({row.backbone for row in rows}),
        figure_count=len(rows),
        metrics=tuple(map(AccuracyMetric, sorted({row.metric for row in rows}))),
        precisions=tuple(map(AccuracyPrecision, sorted({row.precision for row in rows}))),
    )
