"""What cannot be converted is refused at once, in a sentence, for the version that was tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.stoppers import STOPPERS, Stopper, find_stopper
from models.catalog.variants import Format, WeightsKind, variants_of
from models.conversion.pipeline import Refused, convert
from models.weights.weights import resolve_weights

PADDLECLAS = {"paddleclas": "2.6.0"}


def test_a_stopped_series_is_refused_with_what_stops_it(tmp_path: Path) -> None:
    backbone = load_catalog().get("SwinTransformerV2_tiny_patch4_window8_256")
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, tmp_path, lambda *_: None)
    steps: list[str] = []
    fates = convert(backbone, variants_of(backbone), weights, tmp_path, steps.append)
    assert steps == []
    for fate in fates:
        assert isinstance(fate, Refused)
        assert not fate.crashed
        assert fate.reason.startswith("paddleclas 2.6.0 stops")
        assert " SwinTransformerV2: " in fate.reason


def test_another_version_is_given_a_try() -> None:
    assert find_stopper("SwinTransformerV2", Format.ONNX, PADDLECLAS) is not None
    assert find_stopper("SwinTransformerV2", Format.ONNX, {"paddleclas": "2.7.0"}) is None
    assert find_stopper("SwinTransformer", Format.ONNX, PADDLECLAS) is None


@pytest.mark.parametrize("stopper", STOPPERS, ids=lambda stopper: stopper.series)
def test_every_stopped_series_is_in_the_catalog(stopper: Stopper) -> None:
    assert stopper.series in {backbone.series for backbone in load_catalog()}
