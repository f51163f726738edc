"""The catalog's figures as rows, so that measurements join accuracy in one query."""

from sqlalchemy import Engine, delete, insert

from controller.state.database import transaction
from controller.state.schema import accuracies, backbones
from models.catalog import INT8_ACCURACY, Backbone, Catalog
from models.variants import Precision

IMAGENET = "ImageNet-1k"


def store_catalog(engine: Engine, catalog: Catalog) -> None:
    """Replaces the packaged catalog's rows by those of `catalog`."""
    published = [
        {
            "backbone": backbone.name,
            "dataset": IMAGENET,
            "metric": metric,
            "precision": _published_precision(backbone),
            "value_percent": percent,
            "source": backbone.source,
        }
        for backbone in catalog
        for metric, percent in (("top1", backbone.top1), ("top5", backbone.top5))
        if percent is not None
    ]
    rows = [
        {
            "name": backbone.name,
            "series": backbone.series,
            "params_m": backbone.params_m,
            "flops_g": backbone.flops_g,
        }
        for backbone in catalog
    ]
    with transaction(engine) as connection:
        connection.execute(delete(accuracies).where(accuracies.c.dataset == IMAGENET))
        connection.execute(delete(backbones))
        connection.execute(insert(backbones), rows)
        connection.execute(insert(accuracies), published)


def _published_precision(backbone: Backbone) -> str:
    return "int8" if backbone.name in INT8_ACCURACY else Precision.FP32.value
