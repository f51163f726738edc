"""How files of reduced precision are made; both the conversion key and the steps read this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.catalog.precisions import Precision
from models.catalog.variants import Format, Variant
from models.recipes.acceptance import ACCEPTANCE

FP16_KEPT_OPERATORS = ("Pow", "ReduceMean", "Sqrt")
"""ONNX operators that stay float32 in a float16 file, beside those that the tool keeps itself.

ONNX Runtime fuses them to a layer norm, and refuses to load a file in which they are float16.
"""

DYNAMIC_OPERATORS = ("MatMul", "Gemm")
"""ONNX operators whose weights int8-dynamic quantises.

Convolutions stay float32: signed ones have no kernel in ONNX Runtime, and unsigned ones lost up to
half of the outputs' range.
"""

STATIC_OPERATORS = ("Conv", "MatMul", "Gemm")
"""ONNX operators that int8-static quantises; all operators would wreck transformers."""

IMPORTED_DOMAINS = "used"
"""Which domains of operators a quantised file imports: the tool imports all that it knows."""

RANGE_IMAGES = 32
"""Noise images that int8-static takes the ranges of activations from, by minimum and maximum."""

RANGE_SEED = 30_000
"""Seed of those images; no reference input is among them."""


def goes_through_onnx(variant: Variant) -> bool:
    """Return whether an ONNX file is made: arm's float16 kernels, too, are checked by a twin."""
    return variant.format is Format.ONNX or variant.precision is Precision.FP16


def options(variant: Variant) -> Mapping[str, Any]:
    """Return what decides about a variant's bytes and check beyond what decides for float32."""
    if variant.precision is Precision.FP32:
        return {}
    acceptance = ACCEPTANCE[variant.precision]
    return {
        "accepted_tolerance": acceptance.tolerance,
        "accepted_correlation": acceptance.least_correlation,
        "compared_inputs": acceptance.input_count,
        **(_onnx_options(variant.precision) if goes_through_onnx(variant) else {}),
    }


def _onnx_options(precision: Precision) -> Mapping[str, Any]:
    if precision is Precision.INT8:
        return {}
    if precision is Precision.FP16:
        return {"kept_operators": FP16_KEPT_OPERATORS}
    if precision is Precision.INT8_DYNAMIC:
        return {"operators": DYNAMIC_OPERATORS, "imported_domains": IMPORTED_DOMAINS}
    return {
        "operators": STATIC_OPERATORS,
        "imported_domains": IMPORTED_DOMAINS,
        "range_images": RANGE_IMAGES,
        "range_seed": RANGE_SEED,
    }
