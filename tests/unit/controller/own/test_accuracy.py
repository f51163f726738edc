"""A file of accuracy is taken in whole, or refused by the row and column that cannot hold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cli.options.accuracy_file import known_here, read_accuracies
from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyInvalid,
    AccuracyMetric,
    FigureKey,
    key_of,
)
from controller.own.accuracy import MAX_FIGURES, check_accuracies
from models.catalog.catalog import Catalog
from models.catalog.own import OwnFormat, own_backbone
from models.catalog.precisions import Precision
from protos.inputs import NetworkInput, square
from tests.unit.controller.samples.measurements import catalog

HEADER = "name,dataset,metric,value,precision,source\n"
CATALOG_TOP1 = {"MobileNetV1": 70.99, "ResNet50": 76.5}
CATALOG = catalog(**CATALOG_TOP1)
FIGURE = AccuracyFigure(
    row=2,
    backbone="ResNet50",
    dataset="flowers",
    metric=AccuracyMetric.TOP1,
    value_percent=91.5,
    precision=Precision.FP32,
    source="our validation set",
)
OF_RESNET = ("ResNet50", "ImageNet-1k", AccuracyMetric.TOP1, Precision.FP32)
PUBLISHED = {FigureKey(*OF_RESNET, input_size=square(224)): 76.5}


def read(text: str) -> tuple[AccuracyFigure, ...]:
    return read_accuracies(text.encode(), "figures.csv").figures


def check(*figures: AccuracyFigure) -> None:
    check_accuracies(figures, CATALOG, PUBLISHED, PUBLISHED)


def refusal(text: str) -> str:
    with pytest.raises(AccuracyInvalid) as refused:
        check(*read(text))
    return str(refused.value)


def test_a_file_is_read_with_its_rows() -> None:
    text = f"{HEADER}ResNet50,flowers,top1,91.5,fp32,our validation set\n"
    assert read(text) == (FIGURE,)
    # As spreadsheets save it: with a mark at the start, Windows' line ends and empty lines.
    again = "\N{ZERO WIDTH NO-BREAK SPACE}" + text.replace("\n", "\r\n") + "\r\n"
    assert read(again) == (FIGURE,)


@pytest.mark.parametrize(
    ("rows", "place", "token"),
    [
        ("", "row 2", "below the header"),
        ("ResNet50,flowers,top1,91.5,fp32", "row 2", "5 cells, not 6"),
        ("ResNet50", "row 2", "1 cell, not 6"),
        ("ResNet50,flowers,top1,good,fp32,x", "row 2, column value", "'good'"),
        ("ResNet50,flowers,top1,NaN,fp32,x", "row 2, column value", "'NaN'"),
        ("ResNet50,flowers,top1,inf,fp32,x", "row 2, column value", "'inf'"),
        ("ResNet50,flowers,top1,191.5,fp32,x", "row 2, column value", "191.5"),
        ("ResNet50,flowers,top1,0,fp32,x", "row 2, column value", "above 0"),
        ("resnet50,flowers,top1,91.5,fp32,x", "row 2, column name", "'resnet50'"),
        ("resnet50,flowers,top1,91.5,fp32,x", "row 2, column name", "nearest: ResNet50"),
        ("ResNet50,,top1,91.5,fp32,x", "row 2, column dataset", "1 to 64"),
        ("ResNet50,flowers,map,91.5,fp32,x", "row 2, column metric", "'map'"),
        ("ResNet50,flowers,top1,91.5,int4,x", "row 2, column precision", "'int4'"),
        ("ResNet50,flowers,top1,91.5,int4,x", "row 2, column precision", "int8-static, int8"),
        ("ResNet50,flowers,top1,91.5,fp32,", "row 2, column source", "where"),
        ("ResNet50,ImageNet-1k,top1,80,fp32,x", "row 2, column dataset", "is published"),
        ("ResNet50,imagenet-1k,top1,80,fp32,x", "row 2, column dataset", "is published"),
        ("ResNet50,imagenet,top1,80,fp32,x", "row 2, column dataset", "is published"),
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


@pytest.mark.parametrize(
    ("header", "missing", "found"),
    [
        ("", HEADER.strip(), "empty"),
        ("name\n", HEADER.strip().removeprefix("name,"), "'name'"),
        (HEADER.replace("value", "percent"), "value", "a comma between"),
        (HEADER.replace("value", "percent"), "value", "name,dataset,metric,percent"),
        ("Name;Dataset;top1", "metric,value,precision,source", "a semicolon between"),
    ],
)
def test_other_columns_are_refused_with_the_right_ones(
    header: str, missing: str, found: str
) -> None:
    said = refusal(header)
    assert HEADER.strip() in said
    assert f"missing are {missing};" in said
    assert found in said


ROW = "ResNet50,flowers,top1,91.5,fp32,our validation set\n"


@pytest.mark.parametrize(
    "text",
    [
        (HEADER + ROW).replace(",", ";"),
        (HEADER + ROW).replace(",", ";").replace("91.5", "91,5"),
        (HEADER + ROW).replace(",", "\t").replace("91.5", "91,5"),
        (HEADER + ROW).replace(",", ", "),
        (HEADER + ROW).replace("91.5", "91.5 %"),
        (HEADER + ROW).replace("91.5", '"91,5"'),
        HEADER.upper() + ROW.replace("top1", "Top-1").replace("fp32", "FP32"),
        HEADER.replace("\n", ",\n") + ROW.replace("\n", ",\n") + ",,,,,,\n",
        "value,source,precision,metric,dataset,name\n"
        "91.5,our validation set,fp32,top1,flowers,ResNet50\n",
        "name,dataset,metric,value,precision,source,remarks\n" + ROW.replace("\n", ",fine\n"),
    ],
    ids=[
        "semicolons",
        "decimal-commas",
        "tabs",
        "spaces",
        "percent-sign",
        "quoted-comma",
        "case",
        "trailing-separators",
        "order",
        "another-column",
    ],
)
def test_a_file_is_read_as_people_write_it(text: str) -> None:
    assert read(text) == (FIGURE,)
    assert read(text.replace("\n", "\r\n")) == (FIGURE,)
    assert read_accuracies(text.encode("utf-16"), "x.csv").figures == (FIGURE,)


def test_rows_are_counted_in_the_file_with_its_blank_lines_and_hint() -> None:
    text = "sep=;\n\n" + (HEADER + "\n" + ROW).replace(",", ";")
    assert read(text) == (replace(FIGURE, row=5),)


def test_a_column_that_nothing_reads_is_told_and_none_may_be_there_twice() -> None:
    file = read_accuracies(f"{HEADER.strip()},Remarks\n".encode() + b"a,b,top1,1,fp32,c,d", "x.csv")
    assert file.unread_columns == ("Remarks",)
    assert "'value'" in refusal(HEADER.replace("source", "Value"))


@pytest.mark.parametrize("precision", Precision)
def test_precisions_are_imported_as_they_are_listed(precision: Precision) -> None:
    assert read(HEADER + ROW.replace("fp32", precision.value))[0].precision is precision


@pytest.mark.parametrize(
    "name", ["imagenet", "ImageNet", "imagenet-1k", "ImageNet 1K", "imagenet1k", "ILSVRC2012"]
)
def test_every_name_of_imagenet_means_the_one(name: str) -> None:
    file = read_accuracies((HEADER + ROW.replace("flowers", name)).encode(), "x.csv")
    assert file.figures[0].dataset == "ImageNet-1k"
    assert file.renamed == (name,)
    assert read_accuracies((HEADER + ROW).encode(), "x.csv").renamed == ()


def test_a_figure_may_belong_to_a_size() -> None:
    sized = HEADER.replace("source", "source,input_size") + ROW.replace("\n", ",{}\n")
    assert read(sized.format(288))[0].input_size == square(288)
    assert read(sized.format(""))[0].input_size is None
    assert "'big'" in refusal(sized.format("big"))
    at_288, at_any = replace(FIGURE, row=3, input_size=square(288)), FIGURE
    check(at_288, at_any)
    imagenet = replace(FIGURE, dataset="ImageNet-1k")
    # Published for 224 px, which a figure at any size is of, too.
    check(replace(imagenet, input_size=square(288)))
    for size in (square(224), None):
        with pytest.raises(AccuracyInvalid, match="is published"):
            check(replace(imagenet, input_size=size))
    top5 = replace(imagenet, metric=AccuracyMetric.TOP5, value_percent=70, input_size=square(224))
    with pytest.raises(AccuracyInvalid, match=r"top-1 of 76\.5"):
        check(top5)


def test_a_figure_of_an_own_model_is_bound_to_the_file_that_has_the_name() -> None:
    digest = "5f" * 32
    own = Catalog(
        [*CATALOG, own_backbone("Mine", OwnFormat.ONNX, digest, NetworkInput(size=square(64)), 0.1)]
    )
    assert key_of(replace(FIGURE, backbone="Mine"), own).model_digest == digest
    assert key_of(FIGURE, own).model_digest == ""


TIMM = """\
model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation
eva02_large_patch14_448.mim_m38m_ft_in22k_in1k,90.052,9.948,99.048,0.952,305.08,448,1.0,bicubic
vit_giant.x,88.0,12.0,98.5,1.5,"1,012.61",224,1.0,bicubic
ResNet50,80.1,19.9,95.0,5.0,25.56,224,0.95,bicubic
mine.a1_in1k,79.5,20.5,94.6,5.4,11.69,224,0.95,bicubic
large.a1_in1k,79.5,20.5,94.6,5.4,11.69,288,0.95,bicubic
"""
HERE = catalog(**CATALOG_TOP1, **{"mine.a1_in1k": None, "large.a1_in1k": None})


@pytest.mark.parametrize(
    ("file_name", "dataset", "names"),
    [
        ("timm.csv", "ImageNet-1k", ["mine.a1_in1k", "large.a1_in1k"]),
        ("results-imagenet.csv", "ImageNet-1k", ["mine.a1_in1k", "large.a1_in1k"]),
        (
            "results-imagenet-real.csv",
            "imagenet-real",
            ["ResNet50", "mine.a1_in1k", "large.a1_in1k"],
        ),
    ],
)
def test_of_a_table_of_timm_the_models_that_are_here_are_taken(
    file_name: str, dataset: str, names: list[str]
) -> None:
    file = read_accuracies(TIMM.encode(), file_name)
    assert (file.is_timm, file.row_count, len(file.figures)) == (True, 5, 10)
    figures = known_here(file, HERE)
    check_accuracies(figures, HERE, PUBLISHED, PUBLISHED)
    assert [each.backbone for each in figures if each.metric is AccuracyMetric.TOP1] == names
    assert {each.dataset for each in figures} == {dataset}
    mine = [each.value_percent for each in figures if each.backbone == "mine.a1_in1k"]
    assert mine == [79.5, 94.6]
    assert {each.input_size for each in figures if each.backbone == "large.a1_in1k"} == {
        square(288)
    }


def test_a_file_that_is_no_utf8_is_refused_by_its_row() -> None:
    content = HEADER.encode() + "ResNet50,Blüten,top1,91,fp32,x".encode("latin-1")
    with pytest.raises(AccuracyInvalid, match=r"row 2: .*UTF-8"):
        read_accuracies(content, "figures.csv")


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
        figures = read_accuracies(content, "figures.csv").figures
        check(*figures)
    except AccuracyInvalid as refused:
        said = str(refused)
    assert said.startswith("row ") or len({key_of(figure, CATALOG) for figure in figures}) == len(
        figures
    )
