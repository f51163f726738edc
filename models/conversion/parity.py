"""What comparing an artifact's outputs with Paddle's found, and what devices compare with."""

from dataclasses import dataclass
from pathlib import Path

from models.catalog.variants import CheckedThrough


@dataclass(frozen=True, slots=True)
class Parity:
    """How an artifact was compared with Paddle.

    Attributes:
        max_relative_difference: worst max|a-b| / max|b| over inputs and outputs.
        tolerance: what it had to stay within.
        input_count: inputs that were compared.
        checked_through: what ran: the artifact, or the twins of one for arm, which cannot run here.
        top1_agreement: of a reduced precision, the share of score vectors, 0 to 1, whose largest
            score is that of Paddle's in float32: no accuracy.
        correlation: of a reduced precision, see `models.steps.parity.agreement`.
    """

    max_relative_difference: float
    tolerance: float
    input_count: int
    checked_through: CheckedThrough
    top1_agreement: float | None = None
    correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """What an artifact is to give on the device that measures it.

    Attributes:
        path: a file of `protos.reference.outputs`, in the working folder.
        sha256: its digest.
        size_bytes: its size.
        tolerance: largest relative difference that passes there.
    """

    path: Path
    sha256: str
    size_bytes: int
    tolerance: float
