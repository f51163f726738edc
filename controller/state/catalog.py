"""The catalog's figures as rows, so that measurements join accuracy in one query."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, bindparam, delete, insert

from controller.domain.catalog import AccuracyMetric, AccuracyPrecision
from controller.state.database import transaction
from controller.state.schema import accuracies, backbones
from models.catalog.catalog import IMAGENET, INT8_ACCURACY, Backbone, Catalog


def store_catalog(engine: Engine, catalog: Catalog) -> None:
    """Replaces the catalog's rows by those of `catalog`; imported accuracy stays.

    Where somebody imported what the catalog publishes by now, the published figure counts.
    """
    published = list(_published(catalog))
    with transaction(engine) as connection:
        connection.execute(delete(accuracies).where(accuracies.c.imported_at_unix_ms.is_(None)))
        if published:
            connection.execute(
                delete(accuracies).where(
                    *(accuracies.c[key] == bindparam(f"published_{key}") for key in ACCURACY_KEY)
                ),
                [{f"published_{key}": row[key] for key in ACCURACY_KEY} for row in published],
            )
            connection.execute(insert(accuracies), published)
        connection.execute(delete(backbones))
        connection.execute(insert(backbones), [backbone_row(backbone) for backbone in catalog])


ACCURACY_KEY = ("backbone", "dataset", "metric", "precision")
"""What there is one accuracy figure of."""


def backbone_row(backbone: Backbone) -> dict[str, Any]:
    """A backbone as its row."""
    return {
        "name": backbone.name,
        "series": backbone.series,
        "params_m": backbone.params_m,
        "flops_g": backbone.flops_g,
    }


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
                    "metric": metric.value,
                    "precision": _published_precision(backbone).value,
                    "value_percent": percent,
                    "source": backbone.source,
                }


def _published_precision(backbone: Backbone) -> AccuracyPrecision:
    is_int8 = backbone.name in INT8_ACCURACY
    return AccuracyPrecision.INT8 if is_int8 else AccuracyPrecision.FP32
