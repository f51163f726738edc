"""Run a person's model once, in a child without a network, before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from models.catalog.own import FILE_NAMES, OwnFormat, Trained, own_format_of
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.recipes.adopting import images_bytes
from models.tools import tool_versions
from protos.inputs import MAX_SIDE, ImageSize, InputValues, square
from sandbox.layers import Layer, enforceable

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

# Reading libraries takes ten seconds of a loaded machine and half a GB. A file is in memory up to
# five times: read, parsed, taken by the runtime, made anew, written.
_START_S = 60.0
_BYTES_PER_S = 10e6
_START_BYTES = 1_500_000_000
_COPIES = 5


class NotConfinable(Exception):
    """This kernel cannot hold a process that reads a stranger's file; the message says so."""


def check_confinable() -> None:
    """Refuse to read what people bring where the kernel cannot hold whoever reads it.

    Raises:
        NotConfinable: naming what is missing.
    """
    missing = ", ".join(layer.value for layer in Layer if layer not in enforceable())
    if missing:
        raise NotConfinable(
            "models of people are not read on this machine, since its kernel cannot hold the "
            f"process that reads them ({missing}): run the controller on Linux 5.13 or newer with "
            "Landlock and seccomp; the catalog's backbones are converted all the same"
        )


def refuse_unconfinable(step: str) -> None:
    """Do the same for a step of a conversion.

    Raises:
        StepFailed: naming what is missing.
    """
    try:
        check_confinable()
    except NotConfinable as error:
        raise StepFailed(step, str(error), crashed=False) from error


def limits_for(size_bytes: int) -> StepLimits:
    """Return what running a model once may take, by the size of its files together.

    Of its images as much as one of the largest size: how many it takes at once only the child
    knows, which holds itself to less once it has read what it is, see `besides_images_bytes`.
    """
    of_images = images_bytes(square(MAX_SIDE))
    return StepLimits(
        timeout_s=_START_S + size_bytes / _BYTES_PER_S,
        memory_bytes=besides_images_bytes(size_bytes) + of_images,
        file_bytes=2 * size_bytes + of_images,
    )


def besides_images_bytes(size_bytes: int) -> int:
    """Return what a model of such a size may take in memory, however small its images are."""
    return _START_BYTES + _COPIES * size_bytes


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
        NotConfinable: this kernel cannot hold the child.
        StepFailed: the model cannot be used, or its reading ended the child.
        ToolMissing: a package that reads it is not installed.
        ConversionCancelled: `cancellation` was used.
    """
    check_confinable()
    own_format = own_format_of(folder)
    tool_versions(TOOLS[own_format])
    size_bytes = sum((folder / name).stat().st_size for name in FILE_NAMES[own_format])
    request = AdoptRequest(
        folder=str(folder.absolute()),
        input_size=input_size,
        batch=None,
        values=values,
        output=str(workdir.absolute() / "adopted"),
        reference_path=str(workdir.absolute() / "reference.npz"),
        trained=trained,
        besides_images_bytes=besides_images_bytes(size_bytes),
    )
    return run_step(
        ADOPTING_STEP[own_format],
        request,
        AdoptAnswer,
        workdir=workdir,
        limits=limits_for(size_bytes),
        cancellation=cancellation,
        readable=[folder],
    )
