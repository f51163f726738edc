"""What one operator of a program costs in multiply-adds, from the shapes that it reads and writes.

Convolutions and matrix products count, nothing else does; `models/data/README.md` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

from models.steps.refusal import StepRefused

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator with the shapes of its first tensor per slot.

    Attributes:
        kind: type, as the program names it.
        inputs: shape by input slot.
        outputs: shape by output slot.
        attributes: what it was built with.
    """

    kind: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    attributes: Mapping[str, object]


def multiply_adds(operator: Operator) -> int:
    """Return an operator's multiply-adds; 0 for what the convention leaves out.

    Raises:
        StepRefused: its shapes are not fixed, or it multiplies in a way that no rule knows.
    """
    if operator.kind in _UNKNOWN_COST:
        raise StepRefused(f"no rule says what the operator {operator.kind} costs")
    rule = _RULES.get(operator.kind)
    if rule is None:
        return 0
    for shape in (*operator.inputs.values(), *operator.outputs.values()):
        if any(size < 0 for size in shape):
            raise StepRefused(f"the operator {operator.kind} has a shape that is not fixed")
    return rule(operator)


def _convolution(operator: Operator) -> int:
    # The filter is (out, in / groups, height, width): what one output sums is all but the first.
    return prod(operator.outputs["Output"]) * prod(operator.inputs["Filter"][1:])


def _transposed_convolution(operator: Operator) -> int:
    # Each input reaches one filter: (in, out / groups, height, width).
    return prod(operator.inputs["Input"]) * prod(operator.inputs["Filter"][1:])


def _matrix_product(operator: Operator) -> int:
    left = operator.inputs["X"]
    is_transposed = bool(operator.attributes.get("trans_x")) and len(left) > 1
    return prod(operator.outputs["Out"]) * left[-2 if is_transposed else -1]


def _flattened_product(operator: Operator) -> int:
    columns = operator.attributes.get("y_num_col_dims", 1)
    if not isinstance(columns, int):
        raise StepRefused("the operator mul does not say how it flattens its weights")
    return prod(operator.outputs["Out"]) * prod(operator.inputs["Y"][:columns])


_RULES: Mapping[str, Callable[[Operator], int]] = MappingProxyType(
    {
        "conv2d": _convolution,
        "depthwise_conv2d": _convolution,
        "conv2d_transpose": _transposed_convolution,
        "depthwise_conv2d_transpose": _transposed_convolution,
        "matmul": _matrix_product,
        "matmul_v2": _matrix_product,
        "bmm": _matrix_product,
        "mul": _flattened_product,
    }
)
_UNKNOWN_COST = frozenset(
    {"addmm", "conv3d", "deformable_conv", "dot", "einsum", "mv", "rnn", "lstm", "gru"}
)
