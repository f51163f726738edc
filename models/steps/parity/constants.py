"""Inputs that are no image: the values that a person gives, in the shape that a model wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from models.steps.parity.declared import DeclaredInput
from models.steps.refusal import StepRefused
from protos.inputs import MAX_VALUES, ConstantInput, InputValues, fits

_SHOWN_INPUTS = 5


def check_names(inputs: Sequence[DeclaredInput], given: Sequence[InputValues]) -> None:
    """Refuse values that are of no input, or given twice.

    Raises:
        StepRefused: naming the model's inputs.
    """
    known = {each.name for each in inputs}
    names = [each.name for each in given]
    for name in names:
        if name not in known:
            raise StepRefused(f"it has no input named {name[:40]!r}; {shown(inputs)}")
        if names.count(name) > 1:
            raise StepRefused(f"the values of its input {name[:40]} are given twice")


def shown(inputs: Sequence[DeclaredInput]) -> str:
    """Say what inputs a model has: its input is image (1x3x64x64 float32)."""
    listed = ", ".join(map(str, inputs[:_SHOWN_INPUTS])) or "none"
    return f"its input is {listed}" if len(inputs) == 1 else f"its inputs are {listed}"


def resolve_constants(
    inputs: Sequence[DeclaredInput], given: Sequence[InputValues], batch: int
) -> tuple[ConstantInput, ...]:
    """Return the inputs with given values, in the model's order.

    Values fill the shape, one value all of it; where the first axis is that of the images, each
    image has the values.

    Raises:
        StepRefused: values do not fit the shape of an input, or its kind of number.
    """
    values = {each.name: each.values for each in given}
    return tuple(
        _resolved(each, values[each.name], batch) for each in inputs if each.name in values
    )


def constant_arrays(constants: Iterable[ConstantInput], batch: int) -> dict[str, npt.NDArray[Any]]:
    """Return what a network is given besides images, by name."""
    return {
        each.name: np.ascontiguousarray(
            np.broadcast_to(
                np.array(each.values, each.element_type.value).reshape(each.shape),
                each.shape_for(batch),
            )
        )
        for each in constants
    }


def _resolved(declared: DeclaredInput, values: tuple[float, ...], batch: int) -> ConstantInput:
    if declared.element_type is None:
        raise StepRefused(f"its input {declared} is of numbers that no value is given in here")
    for value in values:
        if not fits(value, declared.element_type):
            kind = declared.element_type.value
            raise StepRefused(f"{value:g} is no {kind} number, which its input {declared} takes")
    for_each_image = _is_for_each_image(declared.axes, len(values), batch)
    axes = declared.axes[1:] if for_each_image else declared.axes
    shape = _shape(axes, len(values))
    if shape is None or prod(shape) > MAX_VALUES:
        few = f"at most {MAX_VALUES}" if shape is not None else "as many as it takes"
        raise StepRefused(
            f"{len(values)} values do not fill its input {declared}; give one for all, or {few}"
        )
    whole = values * prod(shape) if len(values) == 1 else values
    return ConstantInput(
        name=declared.name,
        element_type=declared.element_type,
        shape=shape,
        values=whole,
        for_each_image=for_each_image,
    )


def _is_for_each_image(axes: Sequence[int | None], count: int, batch: int) -> bool:
    """Say whether the first axis is that of the images, so that the values are those of one."""
    if len(axes) < 2:
        return False
    if axes[0] is None:
        return True
    rest = _shape(axes[1:], count)
    return 1 < batch == axes[0] and rest is not None and prod(rest) == count


def _shape(axes: Sequence[int | None], count: int) -> tuple[int, ...] | None:
    """Return the shape that so many values fill, the one open axis as long as they need.

    One value fills any shape; None where they fill none.
    """
    known = prod(each for each in axes if each is not None)
    still_open = [place for place, each in enumerate(axes) if each is None]
    if len(still_open) > 1 and count > 1:
        return None
    length = max(count // known, 1) if len(still_open) == 1 else 1
    shape = tuple(length if each is None else each for each in axes)
    return shape if count in (1, prod(shape)) else None
