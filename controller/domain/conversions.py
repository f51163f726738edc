"""What becomes of variants when they are converted."""

from dataclasses import dataclass
from enum import Enum

from controller.domain.sweeps import Activity
from models.catalog.variants import CheckedThrough, Format, Precision, Target, WeightsKind


class ConversionResult(Enum):
    """What became of one variant."""

    STORED = "stored"
    CACHED = "cached"
    REFUSED = "refused"
    FAILED = "failed"
    CHECKED = "checked"
    """Made and found to be Paddle's, and not kept: the disk has no room."""


@dataclass(frozen=True, kw_only=True)
class ConversionSpec:
    """Backbones to be made into every format and target; the rest as with `SweepSpec`."""

    backbones: tuple[str, ...]
    weights: WeightsKind
    precisions: tuple[Precision, ...] = ()
    input_sizes: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversionOutcome:
    """What became of one variant; `top1_agreement` with fp32 is 0 to 1."""

    backbone: str
    format: Format
    precision: Precision
    target: Target
    input_size: int
    batch: int
    result: ConversionResult
    weights: WeightsKind
    weights_digest: str
    reason: str = ""
    artifact_sha256: str = ""
    artifact_size_bytes: int = 0
    max_relative_difference: float | None = None
    parity_tolerance: float | None = None
    checked_through: CheckedThrough = CheckedThrough.NOTHING
    parity_input_count: int = 0
    top1_agreement: float | None = None
    passes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConversionSnapshot:
    """How far a conversion is; `ended` holds what ended since the stream's last snapshot."""

    artifacts_total: int
    artifacts_done: int
    ended: tuple[ConversionOutcome, ...] = ()
    activity: Activity | None = None


_MADE = (ConversionResult.STORED, ConversionResult.CACHED)


def is_made(outcome: ConversionOutcome) -> bool:
    """Whether the artifact is stored, so that a job can have it."""
    return outcome.result in _MADE


def is_checked(outcome: ConversionOutcome) -> bool:
    """Whether the file was made and its outputs are Paddle's, whether or not it is stored."""
    return outcome.max_relative_difference is not None
