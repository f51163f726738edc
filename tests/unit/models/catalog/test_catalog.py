"""The catalog: what is published, found by exact name, and refused when damaged."""

from __future__ import annotations

import csv
import io
import math
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalog.catalog import (
    COLUMNS,
    DEMO_BACKBONES,
    Backbone,
    Catalog,
    CatalogInvalid,
    UnknownBackbone,
    load_catalog,
    load_published,
    parse_catalog,
)
from protos.inputs import square

GOOD = {
    "name": "Net_x1_0",
    "architecture": "Net_x1_0",
    "series": "Net",
    "top1": "71.3",
    "top5": "90.0",
    "params_m": "2.9",
    "flops_g": "0.16",
    "input_size": "224",
    "distilled": "false",
    "extra_data": "true",
    "source": "net.md",
}


def as_csv(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_the_package_brings_every_published_backbone_in_the_files_order() -> None:
    catalog = load_published()
    names = [backbone.name for backbone in catalog]
    assert len(catalog) == len(names) == 338
    assert len({backbone.series for backbone in catalog}) == 54
    assert len({backbone.architecture for backbone in catalog}) == 305
    assert names[:2] == ["PPHGNet_tiny", "PPHGNet_small"]
    assert [backbone.name for backbone in load_catalog()][:338] == names
    assert load_catalog() is load_catalog()


def test_architectures_without_published_figures_follow() -> None:
    others = list(load_catalog())[338:]
    assert len(others) == 26
    assert {(b.top1, b.top5, b.params_m, b.flops_g) for b in others} == {(None,) * 4}
    assert {"EfficientNetV2", "CvT", "MicroNet", "MobileNeXt", "TinyNet"} < {
        b.series for b in others
    }


def test_every_backbone_that_runs_has_what_we_counted_at_its_own_size() -> None:
    uncounted = [b for b in load_catalog() if not (b.counted_params_m and b.counted_flops_g)]
    assert {b.series for b in uncounted} == {"SwinTransformerV2"}


def test_a_backbone_has_the_published_figures() -> None:
    assert load_published().get("EfficientNetB2") == Backbone(
        name="EfficientNetB2",
        architecture="EfficientNetB2",
        series="EfficientNet",
        top1=79.85,
        top5=94.74,
        params_m=9.18,
        flops_g=1.02,
        input_size=square(260),
        distilled=False,
        extra_data=False,
        source="docs/zh_CN/models/ImageNet1k/model_list.md",
    )


def test_a_figure_that_nobody_published_is_none() -> None:
    assert load_catalog().get("PPHGNetV2_B0").flops_g is None


@pytest.mark.parametrize("name", DEMO_BACKBONES)
def test_each_backbone_of_the_demonstration_is_in_the_catalog(name: str) -> None:
    assert load_catalog().get(name).name == name


def test_a_wrong_name_gets_the_nearest_right_ones() -> None:
    with pytest.raises(UnknownBackbone, match="'mobilenetv3_small'") as caught:
        load_catalog().get("mobilenetv3_small")
    assert caught.value.nearest
    assert all(name.startswith("MobileNetV3_small") for name in caught.value.nearest)
    assert caught.value.nearest[0] in str(caught.value)


def test_a_name_like_no_other_is_refused_without_a_hint() -> None:
    with pytest.raises(UnknownBackbone) as caught:
        load_catalog().get("??")
    assert caught.value.nearest == ()
    assert str(caught.value).endswith("named '??'")


def test_the_data_states_licence_and_source() -> None:
    text = resources.files("models").joinpath("data/README.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in text
    assert "PaddleClas" in text


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("name", "", "text"),
        ("name", " Net", "text"),
        ("architecture", "", "text"),
        ("series", "", "text"),
        ("source", "", "text"),
        ("top1", "high", "not a number"),
        ("top1", "nan", "above 0"),
        ("top1", "0", "above 0"),
        ("top1", "100.5", "at most 100"),
        ("top5", "-1", "above 0"),
        ("top5", "60", "below top-1"),
        ("params_m", "inf", "above 0"),
        ("flops_g", "-0.1", "above 0"),
        ("input_size", "", "whole number"),
        ("input_size", "224.5", "whole number"),
        ("input_size", "0", "whole number"),
        ("input_size", "99999", "whole number"),
        ("distilled", "yes", "true or false"),
        ("extra_data", "", "true or false"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_row_and_column(
    column: str, value: str, problem: str
) -> None:
    other = GOOD | {"name": "Other"}
    with pytest.raises(CatalogInvalid, match=problem) as caught:
        parse_catalog(as_csv(other, GOOD | {column: value}))
    assert (caught.value.row, caught.value.column) == (3, column)
    assert f"row 3, column {column}" in str(caught.value)


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(CatalogInvalid, match="there twice") as caught:
        parse_catalog(as_csv(GOOD, GOOD))
    assert (caught.value.row, caught.value.column) == (3, "name")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name,top1\nNet,70\n",
        as_csv(GOOD).replace("top1,top5", "top5,top1"),
    ],
)
def test_other_columns_are_refused(text: str) -> None:
    with pytest.raises(CatalogInvalid, match="columns must be name,") as caught:
        parse_catalog(text)
    assert (caught.value.row, caught.value.column) == (1, None)


@pytest.mark.parametrize("line", ["Net,Net,Net\n", as_csv(GOOD).splitlines()[1] + ",more\n"])
def test_a_row_with_too_few_or_too_many_cells_is_refused(line: str) -> None:
    with pytest.raises(CatalogInvalid, match="11 cells") as caught:
        parse_catalog(as_csv() + line)
    assert caught.value.row == 2


def test_broken_quoting_is_refused() -> None:
    with pytest.raises(CatalogInvalid, match="row 2"):
        parse_catalog(as_csv() + '"Net"x,Net,Net,,,,,224,false,false,s\n')


def test_two_backbones_of_one_name_make_no_catalog() -> None:
    backbone = load_catalog().get("MobileNetV1")
    with pytest.raises(ValueError, match="'MobileNetV1'"):
        Catalog([backbone, backbone])


@settings(deadline=None)
@given(
    top1=st.none() | st.floats(0.01, 50),
    top5=st.none() | st.floats(50, 100),
    params_m=st.none() | st.floats(1e-3, 1e4),
    input_size=st.integers(1, 1024),
    distilled=st.booleans(),
)
def test_what_is_written_is_read_back(
    top1: float | None,
    top5: float | None,
    params_m: float | None,
    input_size: int,
    distilled: bool,
) -> None:
    def figure(value: float | None) -> str:
        return "" if value is None else repr(value)

    row = GOOD | {
        "top1": figure(top1),
        "top5": figure(top5),
        "params_m": figure(params_m),
        "input_size": str(input_size),
        "distilled": str(distilled).lower(),
    }
    (backbone,) = parse_catalog(as_csv(row))
    assert (backbone.top1, backbone.top5, backbone.params_m) == (top1, top5, params_m)
    assert (backbone.input_size, backbone.distilled) == (square(input_size), distilled)
    assert not math.isnan(backbone.flops_g or 0)
