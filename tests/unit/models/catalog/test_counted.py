"""What we counted: for the whole catalog, by a stated convention, near what is published."""

from __future__ import annotations

import statistics
from importlib import metadata, resources

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.counted import CountsInvalid, differs_notably, parse_counted
from tools.catalog.count import program_sizes

HEADER = "architecture,input_size,params,multiply_adds\n"


def data(name: str) -> str:
    return resources.files("models").joinpath(f"data/{name}").read_text(encoding="utf-8")


def test_each_program_of_the_catalog_is_counted_once_and_nothing_else_is() -> None:
    assert list(parse_counted(data("counted.csv"))) == program_sizes(load_catalog())


@pytest.mark.parametrize(
    ("name", "params_m", "flops_g"),
    [
        # As torchvision's and the papers' own code count them.
        ("ResNet50", 25.557032, 4.089),
        ("DenseNet121", 7.978856, 2.834),
        ("ViT_base_patch16_224", 86.567656, 17.56),
        ("SwinTransformer_tiny_patch4_window7_224", 28.288354, 4.49),
    ],
)
def test_well_known_networks_have_their_well_known_cost(
    name: str, params_m: float, flops_g: float
) -> None:
    backbone = load_catalog().get(name)
    assert backbone.counted_params_m == params_m
    assert backbone.counted_flops_g == pytest.approx(flops_g, rel=2e-3)


def test_most_counts_are_near_what_is_published() -> None:
    ratios = [
        b.counted_flops_g / b.flops_g for b in load_catalog() if b.flops_g and b.counted_flops_g
    ]
    low, middle, high = statistics.quantiles(ratios, n=4)
    assert 0.95 < low <= middle <= high < 1.05


def test_the_page_of_the_data_names_the_versions_that_counted() -> None:
    for package in ("paddleclas", "paddlepaddle"):
        assert f"{package} {metadata.version(package)}" in data("README.md")


@pytest.mark.parametrize(
    ("published", "counted", "differs"),
    [
        (4.0, 4.1, False),
        (4.0, 3.81, False),
        (4.0, 4.21, True),
        (4.0, 3.79, True),
        (None, 4.0, True),
        (4.0, None, False),
        (None, None, False),
    ],
)
def test_a_count_is_shown_where_it_tells_something(
    published: float | None, counted: float | None, differs: bool
) -> None:
    assert differs_notably(published, counted) is differs


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "row 1: the columns must be architecture,"),
        ("architecture,params\n", "row 1: the columns must be architecture,"),
        (HEADER + "Net,224,1.5,1\n", "row 2: must hold"),
        (HEADER + "Net,224,-1,1\n", "row 2: must hold"),
        (HEADER + ",224,1,1\n", "row 2: must hold"),
        (HEADER + "Net,224,1\n", "row 2: must hold"),
        (HEADER + "Net,224,1,1,1\n", "row 2: must hold"),
        (HEADER + "Net,224,1,1\nNet,224,2,2\n", "row 3: Net is there twice"),
    ],
)
def test_damaged_counts_are_refused_with_their_row(text: str, problem: str) -> None:
    with pytest.raises(CountsInvalid, match=problem):
        parse_counted(text)
