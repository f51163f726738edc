"""What the operators of a Paddle program are, and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from models.catalog.features import NetworkCount
from models.steps.counting.kinds_of_work import count_network
from models.steps.counting.multiply_adds import Operator, Shape

# No other attribute changes what an operator costs or of which kind its work is.
_ATTRIBUTES = ("trans_x", "trans_y", "y_num_col_dims", "groups")


def count_program(program: Any, params: int) -> NetworkCount:
    """Count what a program for one image does; what cannot be counted says why."""
    return count_network(lambda: operators_of(program), params)


def operators_of(program: Any) -> list[Operator]:
    """Return every operator of a program."""
    return [_operator(block, operator) for block in program.blocks for operator in block.ops]


def trained_parameters(program: Any) -> int:
    """Return how many numbers training sets that some operator reads."""
    return sum(_parameter_sizes(program))


def _operator(block: Any, operator: Any) -> Operator:
    return Operator(
        operator.type,
        _shapes(block, operator.input_names, operator.input),
        _shapes(block, operator.output_names, operator.output),
        {name: operator.attr(name) for name in _ATTRIBUTES if operator.has_attr(name)},
    )


def _shapes(block: Any, slots: Iterable[str], tensors_of: Any) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for slot in slots:
        variables = [block._find_var_recursive(name) for name in tensors_of(slot)]
        if variables and variables[0] is not None and variables[0].type.name == "LOD_TENSOR":
            shapes[slot] = tuple(variables[0].shape)
    return shapes


def _parameter_sizes(program: Any) -> Iterator[int]:
    """Yield the size of each trained parameter that some operator reads."""
    read = {name for block in program.blocks for op in block.ops for name in op.input_arg_names}
    for parameter in program.all_parameters():
        if parameter.trainable and parameter.name in read:
            yield prod(parameter.shape)
