"""The recipe of synthetic weights decides about their digest, and so about every artifact's key."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.variants import WeightsKind
from models.recipes import synthetic as recipe
from models.weights.weights import resolve_weights


def digest(name: str, folder: Path) -> str:
    backbone = load_catalog().get(name)
    return resolve_weights(backbone, WeightsKind.SYNTHETIC, folder, lambda *_: None).digest


@pytest.mark.parametrize("constant", ["SEED", "CALIBRATION_IMAGES", "WEIGHT_BOUNDS", "BIAS_SCALE"])
def test_another_recipe_gives_other_weights(
    constant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest("MobileNetV1", tmp_path)
    monkeypatch.setattr(recipe, constant, 7)
    assert digest("MobileNetV1", tmp_path) != before


def test_what_is_done_for_involutions_concerns_no_other_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, involution = digest("ResNet50", tmp_path), digest("RedNet50", tmp_path)
    monkeypatch.setattr(recipe, "INVOLUTION_BIAS_SCALE", 2.0)
    assert digest("ResNet50", tmp_path) == other
    assert digest("RedNet50", tmp_path) != involution
