"""Variants: what a backbone is converted to, and what cannot be."""

from __future__ import annotations

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, variants_of
from protos.inputs import square


def test_a_backbone_has_three_float32_variants_at_its_own_size() -> None:
    made = variants_of(load_catalog().get("EfficientNetB2"))
    assert [(v.format.suffix, v.target.value) for v in made] == [
        (".nb", "arm"),
        (".nb", "x86"),
        (".onnx", "any"),
    ]
    assert {(v.backbone, v.input_size, v.batch) for v in made} == {
        ("EfficientNetB2", square(260), 1)
    }


@pytest.mark.parametrize(
    ("format_", "target", "size", "batch", "told"),
    [
        (Format.ONNX, Target.ARM, 224, 1, "no target 'arm'"),
        (Format.PADDLELITE, Target.ANY, 224, 1, "no target 'any'"),
        (Format.ONNX, Target.ANY, 224, 0, "at least 1"),
    ],
)
def test_a_combination_that_does_not_exist_is_refused(
    format_: Format, target: Target, size: int, batch: int, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Variant("Net", format_, Precision.FP32, target, square(size), batch)
