"""Variants: what a backbone can be converted to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from models.catalog.catalog import Backbone
from models.catalog.own import lacks_paddle_program
from models.catalog.precisions import MADE_PRECISIONS, Precision
from protos.inputs import ImageSize


class Format(Enum):
    """File format of an artifact."""

    PADDLELITE = "paddlelite"
    ONNX = "onnx"

    @property
    def suffix(self) -> str:
        """The files' suffix, with its dot."""
        return {Format.PADDLELITE: ".nb", Format.ONNX: ".onnx"}[self]


class Target(Enum):
    """What an artifact is made for; one that runs anywhere is made for `any`."""

    ARM = "arm"
    X86 = "x86"
    ANY = "any"
    OPENCL = "opencl"
    """A GPU through OpenCL, beside an ARM processor that runs what it has no kernels of."""
    NNAPI = "nnapi"
    """What Android's NNAPI reaches, likewise, by Paddle Lite's NNAdapter."""

    @property
    def is_accelerator(self) -> bool:
        """Whether it is something beside the processor, which a person asks for by name."""
        return self in (Target.OPENCL, Target.NNAPI)


class WeightsKind(Enum):
    """Where weights come from; a person's own model has its own and no others."""

    PRETRAINED = "pretrained"
    """The published ones."""
    SYNTHETIC = "synthetic"
    """Seeded random ones."""
    OWN = "own"
    """Those of a person's own model."""


class CheckedThrough(Enum):
    """What compared an artifact's outputs with Paddle's."""

    NOTHING = ""
    """There is no artifact."""
    OWN_FORMAT = "own format"
    """The artifact itself."""
    X86_TWIN = "x86 twin"
    """An artifact for arm cannot run where it is made."""
    FP32_AND_FP16_TWINS = "x86 fp32 twin, ONNX fp16 twin"
    """One twin for graph and weights, one for what float16 does."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A backbone in one format, precision, target, input size and batch.

    Attributes:
        backbone: the backbone's name.
        format: file format.
        precision: kind of number.
        target: `any` for ONNX; `arm`, `x86` or an accelerator for Paddle Lite.
        input_size: of the image.
        batch: images per inference.
    """

    backbone: str
    format: Format
    precision: Precision
    target: Target
    input_size: ImageSize
    batch: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for a combination that does not exist."""
        if (self.format is Format.ONNX) != (self.target is Target.ANY):
            raise ValueError(f"{self.format.value} has no target {self.target.value!r}")
        if self.precision not in PRECISIONS[self.format, self.target]:
            where = f"{self.format.value} for {self.target.value}"
            raise ValueError(f"{where} has no precision {self.precision.value!r}")
        if self.batch < 1:
            raise ValueError("a batch has at least 1 image")


PRECISIONS: Mapping[tuple[Format, Target], tuple[Precision, ...]] = MappingProxyType(
    {
        (Format.PADDLELITE, Target.ARM): (Precision.FP32, Precision.FP16, Precision.INT8_DYNAMIC),
        (Format.PADDLELITE, Target.X86): (Precision.FP32, Precision.INT8_DYNAMIC),
        (Format.ONNX, Target.ANY): tuple(Precision),
        (Format.PADDLELITE, Target.OPENCL): (Precision.FP32,),
        (Format.PADDLELITE, Target.NNAPI): (Precision.FP32,),
    }
)
"""The precisions that each format has for each target."""


def precisions_of(backbone: Backbone) -> frozenset[Precision]:
    """Return the precisions that there are of a backbone, in one format or another."""
    is_quantised = backbone.precision is Precision.INT8
    return frozenset((Precision.INT8,) if is_quantised else MADE_PRECISIONS)


def variants_of(
    backbone: Backbone,
    precisions: Iterable[Precision] = (),
    input_sizes: Iterable[ImageSize] = (),
    batches: Iterable[int] = (),
    accelerators: Iterable[Target] = (),
) -> tuple[Variant, ...]:
    """Return a backbone's variants in every format and target that has the precisions.

    Accelerators have none unless they are asked for.

    Of an own model that was added as ONNX there are those in ONNX only; of one that came quantised
    there is what it came as, and no other precision.

    Args:
        backbone: what is converted.
        precisions: kinds of number; none means the one that the backbone comes in.
        input_sizes: none means the evaluation size.
        batches: images per inference; none means the backbone's own, which is 1 but of some own
            models.
        accelerators: targets beside the processors'.
    """
    asked_targets = frozenset(accelerators)
    asked = frozenset(precisions) or {backbone.precision}
    wanted = asked & precisions_of(backbone)
    return tuple(
        Variant(backbone.name, format_, precision, target, input_size, batch)
        for input_size in tuple(dict.fromkeys(input_sizes)) or (backbone.input_size,)
        for batch in tuple(dict.fromkeys(batches)) or (backbone.batch,)
        for (format_, target), available in PRECISIONS.items()
        if format_ is Format.ONNX or not lacks_paddle_program(backbone)
        if not target.is_accelerator or target in asked_targets
        for precision in available
        if precision in wanted
    )
