"""What becomes of variants when they are converted."""

from dataclasses import dataclass
from enum import Enum

from controller.domain.sweeps import Activity
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.inputs import ImageSize
from protos.reasons import Reason


class ConversionResult(Enum):
    """What became of one variant."""

    STORED = "stored"
    """Made now."""
    CACHED = "cached"
    """Was there."""
    REFUSED = "refused"
    """A step said no, or the outputs are not Paddle's."""
    FAILED = "failed"
    """A step's process died, hung or answered rubbish, or weights or room to work cannot be had."""
    CHECKED = "checked"
    """Made and found to be Paddle's, and not kept: the disk has no room."""


@dataclass(frozen=True, kw_only=True)
class ConversionSpec:
    """Backbones to be made into every format and target; the rest as with `SweepSpec`.

    Attributes:
        accelerators: Paddle Lite's files for these besides.
    """

    backbones: tuple[str, ...]
    weights: WeightsKind
    precisions: tuple[Precision, ...] = ()
    input_sizes: tuple[ImageSize, ...] = ()
    batches: tuple[int, ...] = ()
    accelerators: tuple[Target, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversionOutcome:
    """What became of one variant.

    Attributes:
        backbone: name of the backbone.
        format: of the artifact.
        precision: of the artifact.
        target: what the artifact is made for.
        input_size: of the images.
        batch: images per inference.
        result: what became of it.
        weights: where they come from.
        weights_digest: SHA-256 of the weights, or of the recipe of synthetic ones.
        reason: why it was refused, failed or not kept, for a person; else empty.
        artifact_sha256: digest of the artifact; empty when none is stored.
        artifact_size_bytes: size of the artifact, bytes; 0 when none is stored.
        max_relative_difference: largest relative difference from Paddle's outputs; None when it
            was not compared.
        parity_tolerance: difference that would have refused it; None when it was not compared.
        checked_through: what compared the outputs.
        parity_input_count: inputs that were compared; 0 when it was not compared.
        top1_agreement: of a reduced precision, the share of those inputs whose top-1 class is that
            of fp32, 0 to 1; no accuracy; else None.
        passes: names of the rewrites that it went through.
        seconds: wall time of the steps it needed when it was made, those shared with other files
            included; of a refused one, of those that were tried.
        log_id: id under which the controller's log has all that a tool said; empty where none did.
    """

    backbone: str
    format: Format
    precision: Precision
    target: Target
    input_size: ImageSize
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
    log_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ConversionSnapshot:
    """How far a conversion is.

    Attributes:
        artifacts_total: files that are made or looked up.
        artifacts_done: those that ended.
        ended: what ended since the stream's last snapshot.
        activity: what goes on, None when that is told already.
        left_out: what there is no file of, told once.
    """

    artifacts_total: int
    artifacts_done: int
    ended: tuple[ConversionOutcome, ...] = ()
    activity: Activity | None = None
    left_out: tuple[Reason, ...] = ()


_MADE = (ConversionResult.STORED, ConversionResult.CACHED)


def lacks_published_weights(outcome: ConversionOutcome) -> bool:
    """Whether there is no file since the published weights could not be had."""
    return outcome.weights is WeightsKind.PRETRAINED and not outcome.weights_digest


def is_made(outcome: ConversionOutcome) -> bool:
    """Whether the artifact is stored, so that a job can have it."""
    return outcome.result in _MADE


def is_checked(outcome: ConversionOutcome) -> bool:
    """Whether the file was made and its outputs are Paddle's, whether or not it is stored."""
    return outcome.max_relative_difference is not None
