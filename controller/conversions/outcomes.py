"""What is told of a variant: made, found, checked and not kept, refused or failed."""

from typing import Any

from controller.conversions.tool_log import logged
from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.state.artifacts import Artifact
from models.catalog.variants import Variant, WeightsKind
from models.conversion.pipeline import Refused
from models.weights.weights import Weights


def with_artifact(
    variant: Variant, artifact: Artifact, result: ConversionResult
) -> ConversionOutcome:
    """The outcome of a variant whose artifact is stored."""
    return _checked(
        variant,
        artifact,
        result=result,
        artifact_sha256=artifact.sha256,
        artifact_size_bytes=artifact.size_bytes,
    )


def not_kept(variant: Variant, artifact: Artifact, lack: str) -> ConversionOutcome:
    """The outcome of a variant that was made and checked, for whose bytes there is no room."""
    reason = f"made and checked, but not kept: {lack}"
    return _checked(variant, artifact, result=ConversionResult.CHECKED, reason=reason)


def of_refusal(refused: Refused, weights: Weights) -> ConversionOutcome:
    """The outcome of a variant that a step refused, or whose step's process came to grief."""
    return _outcome(
        refused.variant,
        result=ConversionResult.FAILED if refused.crashed else ConversionResult.REFUSED,
        weights=weights.kind,
        weights_digest=weights.digest,
        reason=f"{refused.step}: {refused.reason}",
        log_id=logged(refused.said),
        seconds=refused.seconds,
    )


def not_tried(
    variant: Variant, result: ConversionResult, kind: WeightsKind, digest: str, reason: str
) -> ConversionOutcome:
    """The outcome of a variant that no step was started for."""
    return _outcome(variant, result=result, weights=kind, weights_digest=digest, reason=reason)


def _checked(variant: Variant, artifact: Artifact, **found: Any) -> ConversionOutcome:
    return _outcome(
        variant,
        weights=artifact.weights,
        weights_digest=artifact.weights_digest,
        max_relative_difference=artifact.max_relative_difference,
        parity_tolerance=artifact.parity_tolerance,
        parity_input_count=artifact.parity_input_count,
        checked_through=artifact.checked_through,
        top1_agreement=artifact.top1_agreement,
        passes=artifact.passes,
        seconds=artifact.seconds,
        **found,
    )


def _outcome(variant: Variant, **found: Any) -> ConversionOutcome:
    return ConversionOutcome(
        backbone=variant.backbone,
        format=variant.format,
        precision=variant.precision,
        target=variant.target,
        input_size=variant.input_size,
        batch=variant.batch,
        **found,
    )
