"""How far an artifact's outputs may be from Paddle's on the device that measures it.

Why each is what it is: `docs/decisions/converting/answers-on-the-device.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from models.recipes.acceptance import PARITY_TOLERANCE, ROUNDING_FACTOR


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a device may add to the difference that was found where the artifact was made.

    Attributes:
        least: relative difference that is always allowed.
        factor: on the difference that was found; the product is allowed besides.
        most: beyond it nothing is allowed.
        keeps_accepted: whether what was accepted where it was made is allowed in any case.
    """

    least: float
    factor: float
    most: float = 1.0
    keeps_accepted: bool = True


_FP32 = Allowance(least=PARITY_TOLERANCE, factor=ROUNDING_FACTOR)
_FP32_ARM = Allowance(least=5e-3, factor=ROUNDING_FACTOR)
_HALF = Allowance(least=5e-3, factor=16, most=0.5)
# Paddle Lite rounds the weights alone, and computes in float32.
_WEIGHTS = Allowance(least=PARITY_TOLERANCE, factor=1.1, keeps_accepted=False)
_WEIGHTS_ARM = Allowance(least=5e-3, factor=1.1, keeps_accepted=False)
_ACTIVATIONS = Allowance(least=0.25, factor=2, keeps_accepted=False)

ALLOWANCES: Mapping[tuple[Format, Target], Mapping[Precision, Allowance]] = MappingProxyType(
    {
        (Format.PADDLELITE, Target.X86): {
            Precision.FP32: _FP32,
            Precision.INT8_DYNAMIC: _WEIGHTS,
        },
        (Format.PADDLELITE, Target.ARM): {
            Precision.FP32: _FP32_ARM,
            Precision.FP16: _HALF,
            Precision.INT8_DYNAMIC: _WEIGHTS_ARM,
        },
        # Both compute in half precision where they can.
        (Format.PADDLELITE, Target.OPENCL): {Precision.FP32: _HALF},
        (Format.PADDLELITE, Target.NNAPI): {Precision.FP32: _HALF},
        (Format.ONNX, Target.ANY): {
            Precision.FP32: _FP32,
            Precision.FP16: _HALF,
            Precision.INT8_DYNAMIC: _ACTIVATIONS,
            Precision.INT8_STATIC: _ACTIVATIONS,
            Precision.INT8: _ACTIVATIONS,
        },
    }
)
"""By format and target, then by precision."""


def output_tolerance(variant: Variant, difference: float, accepted: float) -> float:
    """Return the largest relative difference, max|a-b| / max|b|, that passes on a device.

    Args:
        variant: what the artifact is.
        difference: the largest that was found where it was made, of itself or of its twin.
        accepted: the tolerance that it passed there.
    """
    allowance = ALLOWANCES[variant.format, variant.target][variant.precision]
    allowed = min(allowance.least + allowance.factor * difference, allowance.most)
    return max(allowed, accepted) if allowance.keeps_accepted else allowed
