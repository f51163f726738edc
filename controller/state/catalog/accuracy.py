"""Accuracy figures: published ones with their backbones, and imported ones beside them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
)

from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyMetric,
    Dataset,
    FigureKey,
    model_digest,
)
from controller.state.database import Database, Transaction
from controller.state.schema import accuracies, artifacts, backbones, jobs, own_models
from controller.state.schema.unreadable import readable
from models.catalog.catalog import IMAGENET, INT8_ACCURACY, Backbone, Catalog
from models.catalog.precisions import QUANTISED, Precision
from models.catalog.variants import WeightsKind

# Ids of accuracy figures are below it.
_MOST_FIGURES = 2**40


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
        keys = {FigureKey(*(row[part] for part in FigureKey._fields)) for row in published}
        at_any_size = {key._replace(input_size=None) for key in keys}
        # All that is left was imported: mostly nothing, where what is published is a thousand.
        left = transaction.execute(select(*(accuracies.c[part] for part in FigureKey._fields)))
        _delete_figures(transaction, {FigureKey(*row) for row in left} & (keys | at_any_size))
        if published:
            transaction.execute(insert(accuracies), published)
        transaction.execute(delete(backbones))
        transaction.execute(insert(backbones), [backbone_row(backbone) for backbone in catalog])


def list_figures(transaction: Transaction) -> tuple[StoredFigure, ...]:
    """Every accuracy figure, by dataset."""
    rows = transaction.execute(select(accuracies).order_by(accuracies.c.dataset)).mappings()
    return tuple(readable("accuracy figure", "figure_id", rows, _stored_figure))


def put_figures(
    transaction: Transaction,
    figures: Mapping[FigureKey, AccuracyFigure],
    now_unix_ms: int,
) -> None:
    """Keeps imported figures, in the place of those that have these keys."""
    _delete_figures(transaction, figures)
    if figures:
        transaction.execute(
            insert(accuracies),
            [
                {
                    **key._asdict(),
                    "value_percent": figure.value_percent,
                    "source": figure.source,
                    "imported_at_unix_ms": now_unix_ms,
                }
                for key, figure in figures.items()
            ],
        )


def list_datasets(database: Database) -> tuple[Dataset, ...]:
    """Every dataset that accuracy is known on, by name."""
    with database.transaction() as transaction:
        keys = [figure.key for figure in list_figures(transaction)]
        rows = transaction.execute(select(own_models.c.name, own_models.c.digest)).all()
    digests = {row.name: row.digest for row in rows}
    return tuple(
        _dataset(name, list(of), digests) for name, of in groupby(keys, lambda key: key.dataset)
    )


def known_top1(database: Database, dataset: str, catalog: Catalog) -> dict[str, float]:
    """The top-1 of each backbone on a dataset, percent, as it comes and at its evaluation size."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(accuracies)
            .where(accuracies.c.dataset == dataset, accuracies.c.metric == AccuracyMetric.TOP1)
            # The last one counts: of a size before any, and of what says most of int8.
            .order_by(place_of(accuracies.c.precision).desc(), accuracies.c.input_size.is_not(None))
        ).mappings()
        figures = list(readable("accuracy figure", "figure_id", rows, _stored_figure))
    return {each.key.backbone: each.value_percent for each in figures if _is_of(each.key, catalog)}


def top1_by_precision(database: Database, catalog: Catalog) -> dict[tuple[str, Precision], float]:
    """The top-1 on ImageNet that `figure_of_job` gives what is made of a backbone, percent.

    By its name and a precision, at its evaluation size; nothing where none is known.
    """
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(accuracies)
            .where(accuracies.c.dataset == IMAGENET, accuracies.c.metric == AccuracyMetric.TOP1)
            # Of alike ones the first one counts, and the last one is kept here.
            .order_by(accuracies.c.figure_id.desc())
        ).mappings()
        figures = list(readable("accuracy figure", "figure_id", rows, _stored_figure))
    of_now = [
        each
        for each in figures
        if each.key.backbone in catalog
        and each.key.model_digest == model_digest(each.key.backbone, catalog)
    ]
    of_now.sort(key=lambda each: _size_place(each.key, catalog), reverse=True)
    return {(each.key.backbone, each.key.precision): each.value_percent for each in of_now}


def _size_place(figure: FigureKey, catalog: Catalog) -> int:
    if figure.input_size is None:
        return 1
    return 0 if figure.input_size == catalog.get(figure.backbone).input_size else 2


def _stored_figure(row: RowMapping) -> StoredFigure:
    return StoredFigure(
        key=FigureKey(*(row[part] for part in FigureKey._fields)),
        value_percent=row["value_percent"],
        is_published=row["imported_at_unix_ms"] is None,
    )


def _is_of(figure: FigureKey, catalog: Catalog) -> bool:
    """Whether a figure is that of the backbone which has the name, as it comes."""
    if figure.backbone not in catalog:
        return False
    backbone = catalog.get(figure.backbone)
    came_quantised = backbone.precision is Precision.INT8
    return (
        figure.model_digest == model_digest(backbone.name, catalog)
        and figure.input_size in (None, backbone.input_size)
        and figure.precision in (QUANTISED if came_quantised else (backbone.precision,))
    )


def place_of(precision: ColumnElement[Precision]) -> ColumnElement[int]:
    """The place of a precision among those that tell the accuracy of what came quantised."""
    return case(
        *((precision == each, place) for place, each in enumerate(QUANTISED)),
        else_=len(QUANTISED),
    )


def figure_of_job(
    metric: AccuracyMetric, dataset: str, job: FromClause = jobs
) -> ColumnElement[int]:
    """The id of the one figure that tells most of what a job measured.

    Args:
        metric: which figure.
        dataset: on which it was found.
        job: what tells what was measured, in columns of the names that those of jobs have.
    """
    known = accuracies.alias()
    of_size = case(
        (known.c.input_size == job.c.input_size, 0), (known.c.input_size.is_(None), 1), else_=2
    )
    place = of_size * (len(QUANTISED) + 1) + place_of(known.c.precision)
    # The least pair of place and id as one number: SQLite's ORDER BY sees no outer columns.
    least = (
        select(func.min(place * _MOST_FIGURES + known.c.figure_id))
        .where(
            known.c.backbone == job.c.backbone,
            known.c.dataset == dataset,
            known.c.metric == metric,
            or_(
                known.c.precision == job.c.precision,
                and_(job.c.precision == Precision.INT8, known.c.precision.in_(QUANTISED)),
            ),
            or_(
                and_(
                    known.c.model_digest == "",
                    artifacts.c.weights.is_distinct_from(WeightsKind.OWN),
                ),
                known.c.model_digest == artifacts.c.weights_digest,
            ),
        )
        .correlate(job, artifacts)
        .scalar_subquery()
    )
    return least % _MOST_FIGURES


def backbone_row(backbone: Backbone) -> dict[str, Any]:
    """A backbone as its row."""
    return {
        "name": backbone.name,
        "series": backbone.series,
        "params_m": backbone.params_m,
        "flops_g": backbone.flops_g,
    }


def _delete_figures(transaction: Transaction, keys: Iterable[FigureKey]) -> None:
    old = [{f"old_{part}": value for part, value in key._asdict().items()} for key in keys]
    if old:
        is_of_key = [
            # Any size is none.
            accuracies.c[part].is_not_distinct_from(
                bindparam(f"old_{part}", type_=accuracies.c[part].type)
            )
            for part in FigureKey._fields
        ]
        transaction.execute(delete(accuracies).where(*is_of_key), old)


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
                    "input_size": backbone.input_size,
                    "model_digest": "",
                    "value_percent": percent,
                    "source": backbone.source,
                }


def _published_precision(backbone: Backbone) -> Precision:
    is_int8 = backbone.name in INT8_ACCURACY
    return Precision.INT8 if is_int8 else Precision.FP32


def _dataset(name: str, keys: Sequence[FigureKey], digests: Mapping[str, str]) -> Dataset:
    metrics, precisions = {key.metric for key in keys}, {key.precision for key in keys}
    strayed = {key.backbone for key in keys if key.model_digest != digests.get(key.backbone, "")}
    return Dataset(
        name=name,
        backbone_count=len({key.backbone for key in keys}),
        figure_count=len(keys),
        metrics=tuple(each for each in AccuracyMetric if each in metrics),
        precisions=tuple(each for each in Precision if each in precisions),
        input_sizes=tuple(sorted({key.input_size for key in keys if key.input_size})),
        of_other_files=tuple(sorted(strayed)),
    )
