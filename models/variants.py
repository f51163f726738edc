"""Variants: what a backbone can be converted to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from models.catalog import Backbone


class Format(str, Enum):
    """File format of an artifact."""

    PADDLELITE = "paddlelite"
    ONNX = "onnx"

    @property
    def suffix(self) -> str:
        """The files' suffix, with its dot."""
        return {Format.PADDLELITE: ".nb", Format.ONNX: ".onnx"}[self]


class Precision(str, Enum):
    """Kind of number that weights and activations have."""

    FP32 = "fp32"


class Target(str, Enum):
    """Processor that an artifact is made for; one that runs anywhere is made for `any`."""

    ARM = "arm"
    X86 = "x86"
    ANY = "any"


class WeightsKind(Enum):
    """Where weights come from."""

    PRETRAINED = "pretrained"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True, order=True)
class Variant:
    """A backbone in one format, precision, target, input size and batch.

    Attributes:
        backbone: the backbone's name.
        format: file format.
        precision: kind of number.
        target: processor; `any` for ONNX, `arm` or `x86` for Paddle Lite.
        input_size: height and width of the input, pixels.
        batch: images per inference.
    """

    backbone: str
    format: Format
    precision: Precision
    target: Target
    input_size: int
    batch: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for a combination that does not exist."""
        if (self.format is Format.ONNX) != (self.target is Target.ANY):
            raise ValueError(f"{self.format.value} has no target {self.target.value!r}")
        if self.input_size < 1 or self.batch < 1:
            raise ValueError("input size and batch must be at least 1")


def fp32_variants(backbone: Backbone) -> tuple[Variant, ...]:
    """Return the float32 variants of a backbone at its evaluation size, batch 1."""
    targets = (
        (Format.PADDLELITE, Target.ARM),
        (Format.PADDLELITE, Target.X86),
        (Format.ONNX, Target.ANY),
    )
    return tuple(
        Variant(backbone.name, format_, Precision.FP32, target, backbone.input_size)
        for format_, target in targets
    )
