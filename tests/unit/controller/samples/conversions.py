"""Outcomes of conversions that several tests look at."""

from typing import Any

from controller.domain.conversions import ConversionOutcome, ConversionResult
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.inputs import square

CRASH = "export: the child died by SIGKILL, saying nothing"


def made(backbone: str, target: Target, **changes: Any) -> ConversionOutcome:
    """An artifact that was made and checked."""
    known: dict[str, Any] = {
        "backbone": backbone,
        "format": Format.ONNX if target is Target.ANY else Format.PADDLELITE,
        "precision": Precision.FP32,
        "target": target,
        "input_size": square(224),
        "batch": 1,
        "result": ConversionResult.STORED,
        "weights": WeightsKind.SYNTHETIC,
        "weights_digest": "5f" * 32,
        "artifact_sha256": "a7" * 32,
        "artifact_size_bytes": 12_000_000,
        "max_relative_difference": 2.04e-6,
        "parity_tolerance": 1e-4,
        "checked_through": CheckedThrough.OWN_FORMAT,
        "parity_input_count": 4,
        "seconds": 12.4,
    }
    return ConversionOutcome(**(known | changes))


def missing(
    backbone: str,
    target: Target,
    reason: str = CRASH,
    result: ConversionResult = ConversionResult.FAILED,
    **changes: Any,
) -> ConversionOutcome:
    """A file that could not be made."""
    return made(
        backbone,
        target,
        result=result,
        reason=reason,
        artifact_sha256="",
        artifact_size_bytes=0,
        max_relative_difference=None,
        parity_tolerance=None,
        checked_through=CheckedThrough.NOTHING,
        parity_input_count=0,
        **changes,
    )


def unkept(backbone: str) -> list[ConversionOutcome]:
    """All three files of a backbone, made and checked, for which the disk had no room."""
    return whole(
        backbone,
        result=ConversionResult.CHECKED,
        artifact_sha256="",
        artifact_size_bytes=0,
        reason="no room",
    )


def whole(backbone: str, **changes: Any) -> list[ConversionOutcome]:
    """All three files of a backbone."""
    return [made(backbone, target, **changes) for target in (Target.ANY, Target.X86, Target.ARM)]
