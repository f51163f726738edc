"""Run a person's model once, in a child without a network, before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from models.catalog.own import OwnFormat, Trained, own_format_of
from models.processes.child import Cancellation, StepLimits, run_step
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.tools import tool_versions
from protos.inputs import ImageSize, InputValues

ADOPTING_STEP: Mapping[OwnFormat, str] = MappingProxyType(
    {
        OwnFormat.ONNX: "adopt_onnx",
        OwnFormat.PADDLE: "adopt_paddle",
        OwnFormat.WEIGHTS: "adopt_weights",
    }
)
"""The step that reads each format."""

TOOLS: Mapping[OwnFormat, tuple[str, ...]] = MappingProxyType(
    {
        OwnFormat.ONNX: ("onnx", "onnxruntime"),
        OwnFormat.PADDLE: ("paddlepaddle",),
        OwnFormat.WEIGHTS: ("paddlepaddle", "paddleclas"),
    }
)
"""The packages that those steps need."""

LIMITS = StepLimits(timeout_s=300.0)


def inspect_own(
    folder: Path,
    input_size: ImageSize | None,
    values: tuple[InputValues, ...],
    workdir: Path,
    cancellation: Cancellation,
    *,
    trained: Trained | None = None,
) -> AdoptAnswer:
    """Return what the model is, having run it on noise with as many images as it takes, or one.

    Args:
        folder: where its files are, see `models.catalog.own`.
        input_size: of the image, or None for what the model says itself.
        values: of the inputs that are no image.
        workdir: an empty folder; what is written there is of no further use.
        cancellation: ends the child early.
        trained: what weights are of; None for a format that has a graph.

    Raises:
        StepFailed: the model cannot be used, or its reading ended the child.
        ToolMissing: a package that reads it is not installed.
        ConversionCancelled: `cancellation` was used.
    """
    own_format = own_format_of(folder)
    tool_versions(TOOLS[own_format])
    request = AdoptRequest(
        folder=str(folder.absolute()),
        input_size=input_size,
        batch=None,
        values=values,
        output=str(workdir.absolute() / "adopted"),
        reference_path=str(workdir.absolute() / "reference.npz"),
        trained=trained,
    )
    return run_step(
        ADOPTING_STEP[own_format],
        request,
        AdoptAnswer,
        workdir=workdir,
        limits=LIMITS,
        cancellation=cancellation,
    )
