"""Architectures without published figures: all that can be built, or a reason why not."""

from __future__ import annotations

from importlib import resources

import pytest

from models.catalog.catalog import COLUMNS
from tools.catalog.unpublished import EXCLUSIONS, Unsorted, exclusion_of, unpublished_rows

MODULES = {
    "ResNet50": "legendary_models.resnet",
    "TinyNet_E": "model_zoo.tinynet",
    "CvT_13_224": "model_zoo.cvt",
    "CvT_13_384": "model_zoo.cvt",
    "CLIP_vit_base_patch16_224": "model_zoo.foundation_vit",
}


def test_what_has_neither_figures_nor_a_reason_to_stay_out_gets_a_row() -> None:
    rows = unpublished_rows(MODULES, ["ResNet50"], "9.9")
    assert [(r["name"], r["series"], r["input_size"]) for r in rows] == [
        ("CvT_13_224", "CvT", "224"),
        ("CvT_13_384", "CvT", "384"),
        ("TinyNet_E", "TinyNet", "106"),
    ]
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["source"] == "paddleclas 9.9, ppcls/arch/backbone/model_zoo/cvt.py"
    assert {row[figure] for row in rows for figure in ("top1", "params_m", "flops_g")} == {""}


def test_a_module_that_nobody_sorted_is_named() -> None:
    with pytest.raises(Unsorted, match=r"exports NewNet of model_zoo.newnet, which .* exclude it"):
        unpublished_rows({"NewNet": "model_zoo.newnet"}, [], "9.9")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("AdaFace_IR_18", "recognises faces"),
        ("WideResNet", "no network of its own: depth, width and classes are the caller's"),
        ("EfficientNetV2_S", None),
    ],
)
def test_what_stays_out_has_a_reason(name: str, reason: str | None) -> None:
    assert exclusion_of(name) == reason


def test_the_page_of_the_data_gives_every_reason() -> None:
    page = resources.files("models").joinpath("data/README.md").read_text(encoding="utf-8")
    for pattern, reason in EXCLUSIONS.items():
        assert any(pattern in line and reason in line for line in page.splitlines()), pattern
