"""What an artifact's outputs have to keep of Paddle's, by precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.catalog.precisions import Precision

PARITY_TOLERANCE = 1e-4
"""Largest max|a-b| / max|b| between a float32 artifact's outputs and Paddle's that passes.

Float32 kernels of two runtimes differ by 2e-6 to 2e-5 on the demonstration's backbones.
"""

LEAST_SCORE = 0.01
"""Scores of an own model are compared as if the largest were at least this.

A detector finds nothing in noise: those of PaddleOCR score it with 1e-6, where the last place that
a sigmoid has is 1.8e-7, and optimising the file alone moves that. Scores are outputs within 0 and
1.
"""

ROUNDING_FACTOR = 4
"""How much further two runtimes may be apart than one rounding of the input moves the outputs.

Deep networks amplify rounding: with synthetic weights one rounding of the input moves ResNet152's
outputs by 3e-4 and PPHGNetV2_B6's by 1e-3, and the runtimes differed by up to 1.8 times that. It is
asked for where an artifact is beyond the tolerance, and is the tolerance where it is more.
"""

MAX_ROUNDING_DIFFERENCE = 2.5e-3
"""Beyond it outputs say too little of the network for any comparison."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What passes.

    Attributes:
        tolerance: largest relative difference, max|a-b| / max|b|.
        input_count: reference inputs that are compared.
        least_correlation: smallest correlation of what tells the inputs apart, -1 to 1, see
            `models.steps.parity.agreement`; None where the tolerance alone decides.
    """

    tolerance: float
    input_count: int
    least_correlation: float | None = None


_INT8 = Acceptance(tolerance=1.0, input_count=16, least_correlation=0.5)

ACCEPTANCE: Mapping[Precision, Acceptance] = MappingProxyType(
    {
        Precision.FP32: Acceptance(tolerance=PARITY_TOLERANCE, input_count=4),
        Precision.FP16: Acceptance(tolerance=0.15, input_count=16, least_correlation=0.98),
        Precision.INT8_DYNAMIC: _INT8,
        Precision.INT8_STATIC: _INT8,
        Precision.INT8: Acceptance(tolerance=1.0, input_count=16, least_correlation=0.9),
    }
)
"""Judgements, made after looking at 14 backbones.

A network that ignores its image and always gives its mean output has a relative difference of 0.23
to 130 and a correlation of 0, so the correlation is what tells a wrecked network; it does not see
outputs of another scale, and those the tolerance of 1 (off by as much as the largest output) does.
What came quantised is compared with itself, computed without any optimisation; that alone moved
PPLCNet_x1_0's outputs by 0.22, since what is rounded otherwise once is a whole step away.
float16 kept a correlation of at least 0.994 and differed by at most 0.093. int8 gave anything
between a correlation of 0.12 and 1, without a gap.
"""
