"""A file of accuracy is taken in whole, or refused by the row and column that cannot hold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cli.options.accuracy_file import parse_accuracies
from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyInvalid,
    AccuracyMetric,
    AccuracyPrecision,
    key_of,
)
from controller.own.accuracy import MAX_FIGURES, check_accuracies
from models.catalog.variants import Precision
from tests.unit.controller.samples.measurements import catalog

HEADER = "name,dataset,metric,value,precision,source\n"
CATALOG = catalog(MobileNetV1=70.99, ResNet50=76.5)
FIGURE = AccuracyFigure(
    row=2,
    backbone="ResNet50",
    dataset="flowers",
    metric=AccuracyMetric.TOP1,
    value_percent=91.5,
    precision=Precision.FP32,
    source="our validation set",
)
PUBLISHED = {("ResNet50", "ImageNet-1k", AccuracyMetric.TOP1, AccuracyPrecision.FP32): 76.5}


def check(*figures: AccuracyFigure) -> None:
    check_accuracies(figures, CATALOG, PUBLISHED, PUBLISHED)


def refusal(text: str) -> str:
    with pytest.raises(AccuracyInvalid) as refused:
        check(*parse_accuracies(text.encode()))
    return str(refused.value)


def test_a_file_is_read_with_its_rows() -> None:
    text = f"{HEADER}ResNet50,flowers,top1,91.5,fp32,our validation set\n"
    assert parse_accuracies(text.encode()) == (FIGURE,)
    # As spreadsheets save it: with a mark at the start, Windows' line ends and empty lines.
    again = "\N{ZERO WIDTH NO-BREAK SPACE}" + text.replace("\n", "\r\n") + "\r\n"
    assert parse_accuracies(again.encode()) == (FIGURE,)


@pytest.mark.parametrize(
    ("rows", "place", "token"),
    [
        ("", "row 2", "below the header"),
        ("ResNet50,flowers,top1,91.5,fp32", "row 2", "5 cells, not 6"),
        ("ResNet50,flowers,top1,good,fp32,x", "row 2, column value", "'good'"),
        ("ResNet50,flowers,top1,NaN,fp32,x", "row 2, column value", "'NaN'"),
        ("ResNet50,flowers,top1,inf,fp32,x", "row 2, column value", "'inf'"),
        ("ResNet50,flowers,top1,191.5,fp32,x", "row 2, column value", "191.5"),
        ("ResNet50,flowers,top1,0,fp32,x", "row 2, column value", "above 0"),
        ("resnet50,flowers,top1,91.5,fp32,x", "row 2, column name", "'resnet50'"),
        ("resnet50,flowers,top1,91.5,fp32,x", "row 2, column name", "nearest: ResNet50"),
        ("ResNet50,,top1,91.5,fp32,x", "row 2, column dataset", "1 to 64"),
        ("ResNet50,flowers,map,91.5,fp32,x", "row 2, column metric", "'map'"),
        ("ResNet50,flowers,top1,91.5,int8,x", "row 2, column precision", "'int8'"),
        ("ResNet50,flowers,top1,91.5,fp32,", "row 2, column source", "where"),
        ("ResNet50,ImageNet-1k,top1,80,fp32,x", "row 2, column dataset", "is published"),
        ("ResNet50,imagenet-1k,top1,80,fp32,x", "row 2, column dataset", "'ImageNet-1k'"),
        ("ResNet50,ImageNet-1k,top5,70,fp32,x", "row 2, column value", "top-1 of 76.5"),
        (
            "ResNet50,flowers,top1,91.5,fp32,x\nResNet50,flowers,top1,92,fp32,y",
            "row 3",
            "row 2",
        ),
        (
            "ResNet50,flowers,top1,91.5,fp32,x\nResNet50,flowers,top5,90,fp32,y",
            "row 2, column value",
            "top-1 of 91.5",
        ),
        (
            "ResNet50,flowers,top1,0.915,fp32,x\nMobileNetV1,flowers,top1,1,fp32,y",
            "row 2, column value",
            "write 75.3",
        ),
        (
            "ResNet50,flowers,top1,0.915,fp32,x\nResNet50,flowers,top5,99.1,fp32,y",
            "row 2, column value",
            "write 75.3",
        ),
        ('ResNet50,"flowers,top1,91.5,fp32,x', "row 2", "no CSV"),
    ],
)
def test_what_cannot_hold_is_refused_by_row_and_column(rows: str, place: str, token: str) -> None:
    where, _, problem = refusal(HEADER + rows).partition(": ")
    assert where == place
    assert token in problem
    assert problem.endswith("; nothing was imported")


@pytest.mark.parametrize("header", ["", "name,value\n", HEADER.replace("value", "percent")])
def test_other_columns_are_refused_with_the_right_ones(header: str) -> None:
    assert HEADER.strip() in refusal(header)


def test_a_file_that_is_no_utf8_is_refused_by_its_row() -> None:
    content = HEADER.encode() + "ResNet50,Blüten,top1,91,fp32,x".encode("latin-1")
    with pytest.raises(AccuracyInvalid, match=r"row 2: .*UTF-8"):
        parse_accuracies(content)


def test_one_value_below_1_beside_others_is_a_network_that_learnt_nothing() -> None:
    check(FIGURE, replace(FIGURE, row=3, backbone="MobileNetV1", value_percent=0.4))


def test_what_nobody_published_of_imagenet_is_taken_in() -> None:
    check(replace(FIGURE, dataset="ImageNet-1k", precision=Precision.INT8_STATIC))
    check(replace(FIGURE, dataset="ImageNet-1k", backbone="MobileNetV1"))


def test_an_import_has_a_limit() -> None:
    figures = [replace(FIGURE, row=row) for row in range(2, MAX_FIGURES + 3)]
    with pytest.raises(AccuracyInvalid, match=f"row {MAX_FIGURES + 2}: "):
        check(*figures)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (HEADER + text).encode()))
def test_any_bytes_are_figures_or_a_sentence(content: bytes) -> None:
    figures: tuple[AccuracyFigure, ...] = ()
    said = ""
    try:
        figures = parse_accuracies(content)
        check(*figures)
    except AccuracyInvalid as refused:
        said = str(refused)
    assert said.startswith("row ") or len({key_of(figure) for figure in figures}) == len(figures)
