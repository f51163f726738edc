"""What any own model has to be, whatever it was made with: images in, float numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalog.own import AssumedAxis, InputAxis
from models.processes.requests import AdoptRequest
from models.recipes.acceptance import LEAST_SCORE
from models.recipes.adopting import images_bytes
from models.steps.confinement import hold_memory
from models.steps.parity.compare import Array
from models.steps.parity.constants import (
    check_names,
    constant_arrays,
    resolve_constants,
    shown,
)
from models.steps.parity.declared import DeclaredInput
from models.steps.parity.reference import further_inputs, reference_inputs, save_reference
from models.steps.refusal import StepRefused
from protos.inputs import (
    CHANNELS,
    IMAGE_TYPES,
    MAX_BATCH,
    MAX_SIDE,
    ImageSize,
    InputKind,
    Layout,
    NetworkInput,
)

Feed = Mapping[str, npt.NDArray[Any]]
"""What one inference is given, by the names of the inputs."""

_AXES = {
    Layout.NCHW: (InputAxis.CHANNELS, InputAxis.HEIGHT, InputAxis.WIDTH),
    Layout.NHWC: (InputAxis.HEIGHT, InputAxis.WIDTH, InputAxis.CHANNELS),
}
_HALF = np.dtype(np.float16)


@dataclass(frozen=True)
class Adopted:
    """How a model is run: its image's name, what it takes, and what was assumed of it."""

    image: str
    takes: NetworkInput
    assumed: tuple[AssumedAxis, ...]

    def feed(self, image: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Return what an inference on images is given."""
        return {self.image: image, **constant_arrays(self.takes.kind.constants, len(image))}


def adopt(inputs: Sequence[DeclaredInput], request: AdoptRequest) -> Adopted:
    """Return how a model with such inputs is run as a request wants it.

    Raises:
        StepRefused: there is not exactly one image besides the inputs whose values are given, it is
            none that can be made, or of another size or batch than is wanted.
    """
    check_names(inputs, request.values)
    image = _image(inputs, request)
    layout = _layout(image)
    said = dict(zip(_AXES[layout], image.axes[1:], strict=True))
    batch = _batch(image, request)
    size = _size(image, said[InputAxis.HEIGHT], said[InputAxis.WIDTH], request)
    channels = said[InputAxis.CHANNELS] or 3
    assert image.element_type is not None
    kind = InputKind(layout=layout, element_type=image.element_type, channels=channels)
    constants = resolve_constants(inputs, request.values, batch)
    taken = {
        InputAxis.CHANNELS: channels,
        InputAxis.HEIGHT: size.height,
        InputAxis.WIDTH: size.width,
    }
    named = () if request.input_size is None else (InputAxis.HEIGHT, InputAxis.WIDTH)
    return Adopted(
        image=image.name,
        takes=NetworkInput(size=size, batch=batch, kind=replace(kind, constants=constants)),
        assumed=tuple(
            AssumedAxis(axis=axis, size=taken[axis])
            for axis in InputAxis
            if said[axis] is None and axis not in named
        ),
    )


def _image(inputs: Sequence[DeclaredInput], request: AdoptRequest) -> DeclaredInput:
    """Return the one input that is an image, of numbers that one can have."""
    given = [each.name for each in request.values]
    rest = [each for each in inputs if each.name not in given]
    if len(rest) != 1:
        wanted = "all but the image need values" if rest else "one has to be left, an image"
        raise StepRefused(f"{shown(inputs)}; {wanted}")
    (image,) = rest
    if image.element_type not in IMAGE_TYPES:
        allowed = ", ".join(each.value for each in IMAGE_TYPES)
        raise StepRefused(f"its input {image} is of no numbers that images have: {allowed}")
    return image


def _layout(image: DeclaredInput) -> Layout:
    """Return where the channels stand: a number that they can be decides, then what is open."""
    if len(image.axes) == 4:
        _, first, _, last = image.axes
        for layout, axis in ((Layout.NCHW, first), (Layout.NHWC, last)):
            if axis in CHANNELS:
                return layout
        for layout, axis in ((Layout.NCHW, first), (Layout.NHWC, last)):
            if axis is None:
                return layout
    counts = ", ".join(map(str, CHANNELS[:-1]))
    raise StepRefused(
        f"its input has the shape {image.shape}; it must be batch x channels x height x width or "
        f"batch x height x width x channels, with {counts} or {CHANNELS[-1]} channels"
    )


def _batch(image: DeclaredInput, request: AdoptRequest) -> int:
    fixed = image.axes[0]
    if fixed is not None and request.batch not in (None, fixed):
        images = "1 image" if fixed == 1 else f"{fixed} images"
        raise StepRefused(f"it takes {images} per inference, not {request.batch}")
    batch = fixed or request.batch or 1
    if batch > MAX_BATCH:
        raise StepRefused(f"it takes {batch} images per inference, more than {MAX_BATCH}")
    return batch


def _size(
    image: DeclaredInput, height: int | None, width: int | None, request: AdoptRequest
) -> ImageSize:
    """Return the size of the image: an open side is as asked for, else as the other one."""
    asked = request.input_size
    shape = f"its input has the shape {image.shape}"
    if asked is not None and (height or asked.height, width or asked.width) != (
        asked.height,
        asked.width,
    ):
        raise StepRefused(f"{shape}, and {asked} px were asked for")
    if asked is not None:
        return asked
    sides = (height or width, width or height)
    if sides[0] is None or sides[1] is None:
        raise StepRefused(
            f"{shape}, whose height and width are open; say which input size it is to have"
        )
    if max(sides[0], sides[1]) > MAX_SIDE:
        raise StepRefused(f"{shape}, and a side of it is beyond {MAX_SIDE} px")
    return ImageSize(sides[0], sides[1])


def run_reference(
    infer: Callable[[Feed], Sequence[Array]],
    adopted: Adopted,
    request: AdoptRequest,
    origin: str,
) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """Run the model on the reference inputs, and write inputs and outputs.

    Memory is held to what such images take, where the request says so.

    Args:
        infer: one inference.
        adopted: how it is run.
        request: how many inputs, and the `.npz` to write.
        origin: what computes, in words for a sentence.

    Returns:
        The shape of each output, and whether inputs or outputs are of float16 numbers.

    Raises:
        StepRefused: an output is no tensor of finite float numbers, all zero, of a shape that
            depends on the image, or another one each time.
    """
    takes = adopted.takes
    if request.besides_images_bytes is not None:
        # A model of a hundred bytes may ask for any amount; what its images take is known by now.
        hold_memory(request.besides_images_bytes + images_bytes(takes.size, takes.batch))
    further = further_inputs(request.reference_inputs, takes)
    inputs = np.concatenate([reference_inputs(takes), further])
    runs = [infer(adopted.feed(image)) for image in inputs]
    again = infer(adopted.feed(inputs[0]))
    for number, outputs in enumerate(zip(*runs, strict=True)):
        _check_output(number, outputs, again[number])
    stacked = [np.stack(outputs) for outputs in zip(*runs, strict=True)]
    if not stacked:
        raise StepRefused("it has no output")
    is_half = _HALF in (inputs.dtype, *(output.dtype for output in stacked))
    as_single = [output.astype(np.float32) for output in stacked]
    save_reference(Path(request.reference_path), inputs, as_single, origin, LEAST_SCORE)
    return tuple(tuple(output.shape) for output in runs[0]), is_half


def _check_output(number: int, outputs: Sequence[Array], again: Array) -> None:
    which = f"its output {number}"
    if not all(isinstance(output, np.ndarray) for output in outputs):
        raise StepRefused(f"{which} is no tensor; leave out what comes after the scores")
    if any(output.dtype not in (np.float32, np.float16) for output in outputs):
        raise StepRefused(
            f"{which} is of {outputs[0].dtype} numbers; outputs are compared as float32, so leave "
            "out what comes after the scores"
        )
    if len({output.shape for output in outputs}) > 1:
        raise StepRefused(f"{which} has another shape for another image")
    if not all(np.isfinite(output).all() for output in outputs):
        raise StepRefused(f"{which} is not of finite numbers on an image of noise")
    if not all(output.any() for output in outputs):
        raise StepRefused(f"{which} is all zero on an image of noise")
    if not np.array_equal(outputs[0], again):
        raise StepRefused(f"{which} is another one each time for the same image")
