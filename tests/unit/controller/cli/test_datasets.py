"""Datasets on the terminal, whatever people call them."""

from controller.cli.accuracy import print_datasets
from controller.domain.catalog import AccuracyMetric, Dataset
from models.catalog.precisions import Precision
from tests.unit.controller.samples.pages import printed


def test_a_name_that_looks_like_markup_is_printed_as_it_is() -> None:
    dataset = Dataset(
        name="mine [/b] [red]x",
        backbone_count=1,
        figure_count=1,
        metrics=(AccuracyMetric.TOP1,),
        precisions=(Precision.FP32,),
        of_other_files=("Gone",),
    )
    shown = printed(print_datasets, (dataset,))
    assert shown.count("mine [/b] [red]x") == 2
    assert "figures of Gone belong to files" in shown
