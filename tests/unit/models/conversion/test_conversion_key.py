"""The conversion key: the same for the same ingredients, another for any other one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, WeightsKind
from models.conversion import pipeline
from models.conversion.pipeline import conversion_key
from models.recipes import reduction
from models.recipes import synthetic as recipe
from models.recipes.acceptance import ACCEPTANCE
from models.tools import ToolMissing, tool_versions
from models.weights.weights import Weights, resolve_weights, weights_at_hand
from protos.inputs import square

VARIANT = Variant("Net", Format.PADDLELITE, Precision.FP32, Target.X86, square(224))
WEIGHTS = Weights(WeightsKind.PRETRAINED, "Net", "ab" * 32, "https://net", Path("net"), 10)


def synthetic(name: str) -> Weights:
    backbone = load_catalog().get(name)
    return resolve_weights(backbone, WeightsKind.SYNTHETIC, Path("unused"), lambda *_: None)


def test_the_key_is_a_stable_digest() -> None:
    key = conversion_key(VARIANT, WEIGHTS)
    assert len(key) == 64
    assert key == conversion_key(replace(VARIANT), replace(WEIGHTS))


@pytest.mark.parametrize(
    "variant",
    [
        replace(VARIANT, backbone="Other"),
        replace(VARIANT, target=Target.ARM),
        replace(VARIANT, format=Format.ONNX, target=Target.ANY),
        replace(VARIANT, input_size=square(256)),
        replace(VARIANT, batch=2),
    ],
)
def test_every_part_of_the_variant_counts(variant: Variant) -> None:
    assert conversion_key(variant, WEIGHTS) != conversion_key(VARIANT, WEIGHTS)


@pytest.mark.parametrize(
    "other",
    [
        replace(WEIGHTS, digest="cd" * 32),
        replace(WEIGHTS, kind=WeightsKind.SYNTHETIC),
        replace(WEIGHTS, architecture="Other"),
    ],
)
def test_the_weights_count(other: Weights) -> None:
    assert conversion_key(VARIANT, other) != conversion_key(VARIANT, WEIGHTS)


def test_where_the_weights_lie_does_not_count() -> None:
    moved = replace(WEIGHTS, path=Path("elsewhere"), source="https://mirror")
    assert conversion_key(VARIANT, moved) == conversion_key(VARIANT, WEIGHTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_VERSION", 99),
        ("PARITY_TOLERANCE", 0.5),
    ],
)
def test_options_count(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    before = conversion_key(VARIANT, WEIGHTS)
    monkeypatch.setattr(pipeline, name, value)
    assert conversion_key(VARIANT, WEIGHTS) != before


def others(names: Iterable[str]) -> dict[str, str]:
    """Versions of no release."""
    return dict.fromkeys(names, "9.9")


def test_tools_count() -> None:
    before = conversion_key(VARIANT, WEIGHTS)
    assert conversion_key(VARIANT, WEIGHTS, versions=others) != before


def test_a_tool_that_is_not_installed_is_named() -> None:
    with pytest.raises(ToolMissing, match=r"^no-such-tool, "):
        tool_versions(["no-such-tool"])


def test_synthetic_weights_are_a_recipe_with_a_digest() -> None:
    made = synthetic("MobileNetV1")
    assert made == synthetic("MobileNetV1")
    assert made.digest != synthetic("MobileNetV2").digest
    assert made.source.startswith("seed 0, ")
    assert " 8 or 32 " in made.source
    assert (made.path, made.size_bytes) == (None, None)


@pytest.mark.parametrize("setting", ["SEED", "CALIBRATION_IMAGES", "CALIBRATION_SEED"])
def test_every_setting_of_the_recipe_counts(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = synthetic("MobileNetV1").digest
    monkeypatch.setattr(recipe, setting, 77)
    assert synthetic("MobileNetV1").digest != before


def test_the_recipes_tools_count() -> None:
    backbone, folder = load_catalog().get("MobileNetV1"), Path("unused")
    now = weights_at_hand(backbone, WeightsKind.SYNTHETIC, folder)
    then = weights_at_hand(backbone, WeightsKind.SYNTHETIC, folder, versions=others)
    assert now is not None
    assert then is not None
    assert now.digest == synthetic("MobileNetV1").digest != then.digest


@pytest.mark.parametrize(
    ("format_", "target", "key"),
    [
        (
            Format.PADDLELITE,
            Target.ARM,
            "1e2e0d9c2f0017d6a8a5dcadd3acb4df4550e09b255a2db15d41c7ef297cc2ff",
        ),
        (
            Format.PADDLELITE,
            Target.X86,
            "e88fcd984eb7a3e626aee1cf65052f6232f4e11de692eb778b4378bdfb0ad96c",
        ),
        (
            Format.ONNX,
            Target.ANY,
            "677423a85ffc6884338279d90289ba546bf09bcdf7158ce1c48e65e5025bcf83",
        ),
    ],
)
def test_what_is_stored_in_float32_is_found_again(
    format_: Format, target: Target, key: str
) -> None:
    variant = replace(VARIANT, format=format_, target=target)

    def versions(names: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(names, "1.0")

    # Another key converts everything anew: change it with PIPELINE_VERSION or not at all.
    assert conversion_key(variant, WEIGHTS, versions=versions) == key


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("FP16_KEPT_OPERATORS", Precision.FP16),
        ("DYNAMIC_OPERATORS", Precision.INT8_DYNAMIC),
        ("STATIC_OPERATORS", Precision.INT8_STATIC),
        ("RANGE_IMAGES", Precision.INT8_STATIC),
        ("RANGE_SEED", Precision.INT8_STATIC),
    ],
)
def test_an_option_counts_for_its_precision_only(
    name: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = replace(VARIANT, format=Format.ONNX, target=Target.ANY)
    before = {each: conversion_key(replace(onnx, precision=each), WEIGHTS) for each in Precision}
    assert len(set(before.values())) == len(Precision)
    monkeypatch.setattr(reduction, name, 77)
    after = {each: conversion_key(replace(onnx, precision=each), WEIGHTS) for each in Precision}
    assert [each for each in Precision if before[each] != after[each]] == [precision]


def test_a_files_twin_in_another_format_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = replace(VARIANT, target=Target.ARM, precision=Precision.FP16)
    before = conversion_key(arm, WEIGHTS)
    monkeypatch.setattr(reduction, "FP16_KEPT_OPERATORS", ())
    assert conversion_key(arm, WEIGHTS) != before


@pytest.mark.parametrize("precision", [each for each in Precision if each is not Precision.FP32])
def test_what_is_accepted_counts(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = replace(VARIANT, format=Format.ONNX, target=Target.ANY, precision=precision)
    before = conversion_key(onnx, WEIGHTS)
    stricter = replace(ACCEPTANCE[precision], least_correlation=0.999)
    monkeypatch.setattr(reduction, "ACCEPTANCE", {precision: stricter})
    assert conversion_key(onnx, WEIGHTS) != before
