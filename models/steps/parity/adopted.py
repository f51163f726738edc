"""What any own model has to be, whatever it was made with: one image in, float numbers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.catalog.catalog import MAX_INPUT_SIZE
from models.catalog.own import AssumedAxis, InputAxis
from models.processes.requests import AdoptRequest
from models.steps.parity.compare import Array
from models.steps.parity.reference import further_inputs, reference_inputs, save_reference
from models.steps.refusal import StepRefused

CHANNELS = 3


def input_shape(declared: Sequence[int | None], request: AdoptRequest) -> tuple[int, ...]:
    """Return the shape that the model's input is fixed to: batch, 3, height, width.

    Args:
        declared: the model's own shape, None for a dimension that it leaves open.
        request: what is wanted.

    Raises:
        StepRefused: no square image of 3 channels, another size or batch than is wanted, or an open
            size when none is wanted.
    """
    shown = "x".join("?" if size is None else str(size) for size in declared)
    if len(declared) != 4 or declared[1] not in (None, CHANNELS):
        raise StepRefused(
            f"its input has the shape {shown}; it must be batch x {CHANNELS} x height x width"
        )
    batch, _, height, width = declared
    if batch not in (None, request.batch):
        images = "1 image" if batch == 1 else f"{batch} images"
        raise StepRefused(f"it takes {images} per inference, not {request.batch}")
    sizes = {size for size in (height, width, request.input_size) if size is not None}
    if len(sizes) > 1:
        asked = f", and {request.input_size} px were asked for" if request.input_size else ""
        raise StepRefused(f"its input has the shape {shown}{asked}; height and width must be one")
    if not sizes:
        raise StepRefused(
            f"its input has the shape {shown}, whose height and width are open; "
            "say which input size it is to have"
        )
    (input_size,) = sizes
    if not 1 <= input_size <= MAX_INPUT_SIZE:
        raise StepRefused(f"its input of {input_size} px is beyond {MAX_INPUT_SIZE} px")
    return (request.batch, CHANNELS, input_size, input_size)


def assumed_axes(
    declared: Sequence[int | None], request: AdoptRequest, shape: Sequence[int]
) -> tuple[AssumedAxis, ...]:
    """Return what `shape` has that neither the model nor the request says.

    The batch is not among them: a model that leaves it open takes any.
    """
    _, *said = declared
    if request.input_size is not None:
        said[1:] = shape[2:]
    return tuple(
        AssumedAxis(axis=axis, size=size)
        for axis, known, size in zip(InputAxis, said, shape[1:], strict=True)
        if known is None
    )


def run_reference(
    infer: Callable[[Array], Sequence[Array]],
    shape: Sequence[int],
    request: AdoptRequest,
    origin: str,
) -> tuple[tuple[int, ...], ...]:
    """Run the model on the reference inputs, write inputs and outputs, return the outputs' shapes.

    Args:
        infer: one inference.
        shape: of its input.
        request: how many inputs, and the `.npz` to write.
        origin: what computes, in words for a sentence.

    Raises:
        StepRefused: an output is no tensor of finite float32 numbers, all zero, of a shape that
            depends on the image, or another one each time.
    """
    further = further_inputs(request.reference_inputs, shape[0], shape[2])
    inputs = np.concatenate([reference_inputs(shape[0], shape[2]), further])
    runs = [infer(image) for image in inputs]
    again = infer(inputs[0])
    for number, outputs in enumerate(zip(*runs, strict=True)):
        _check_output(number, outputs, again[number])
    stacked = [np.stack(outputs) for outputs in zip(*runs, strict=True)]
    if not stacked:
        raise StepRefused("it has no output")
    save_reference(Path(request.reference_path), inputs, stacked, origin)
    return tuple(tuple(output.shape) for output in runs[0])


def _check_output(number: int, outputs: Sequence[Array], again: Array) -> None:
    which = f"its output {number}"
    if not all(isinstance(output, np.ndarray) for output in outputs):
        raise StepRefused(f"{which} is no tensor; leave out what comes after the scores")
    if any(output.dtype != np.float32 for output in outputs):
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
