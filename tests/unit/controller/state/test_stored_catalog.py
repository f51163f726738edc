"""What a controller knows of backbones at its start, beside what people imported."""

from dataclasses import astuple
from pathlib import Path

import pytest

from controller.domain.catalog import AccuracyFigure, AccuracyMetric, FigureKey
from controller.state.catalog.accuracy import list_figures, put_figures, store_catalog
from models.catalog.catalog import IMAGENET, load_catalog
from models.catalog.precisions import Precision
from protos.inputs import ImageSize, square
from tests.processes.states import begun_database

BACKBONE = load_catalog().get("MobileNetV1")


def figure_of(key: FigureKey) -> AccuracyFigure:
    return AccuracyFigure(
        row=2,
        backbone=key.backbone,
        dataset=key.dataset,
        metric=key.metric,
        value_percent=12.5,
        precision=key.precision,
        source="me",
        input_size=key.input_size,
    )


@pytest.mark.parametrize("size", [None, BACKBONE.input_size], ids=["any size", "its size"])
def test_what_is_published_counts_where_somebody_imported_it_before(
    tmp_path: Path, size: ImageSize | None
) -> None:
    key = FigureKey(BACKBONE.name, IMAGENET, AccuracyMetric.TOP1, Precision.FP32, size)
    others = {key._replace(dataset="mine"), key._replace(input_size=square(96))}
    database = begun_database(tmp_path)
    with database.transaction() as transaction:
        published = {astuple(figure) for figure in list_figures(transaction)}
        imported = {each: figure_of(each) for each in others | {key}}
        put_figures(transaction, imported, now_unix_ms=1)
    store_catalog(database, load_catalog())
    with database.transaction() as transaction:
        found = list(list_figures(transaction))
    assert {each.key for each in found if not each.is_published} == others
    assert {astuple(each) for each in found if each.is_published} == published
    database.close()
