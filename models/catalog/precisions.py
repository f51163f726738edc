"""The one vocabulary of precisions: of artifacts, of what people bring, and of accuracy."""

from __future__ import annotations

from enum import Enum


class Precision(Enum):
    """Kind of number that weights and activations have, and how they were chosen."""

    FP32 = "fp32"
    """Single precision."""
    FP16 = "fp16"
    """Half precision."""
    INT8_DYNAMIC = "int8-dynamic"
    """Only weights are quantised ahead."""
    INT8_STATIC = "int8-static"
    """The ranges of activations too, from calibration data."""
    INT8 = "int8"
    """Of a person's model that came quantised, or published without a word on the ranges."""


MADE_PRECISIONS = tuple(each for each in Precision if each is not Precision.INT8)
"""What is made of a model; int8 alone is what a file came as."""

QUANTISED = (Precision.INT8, Precision.INT8_STATIC, Precision.INT8_DYNAMIC)
"""Whose accuracy a model that came quantised may have, what says most of it first."""
