"""Step: count the parameters and multiply-adds of an architecture's exported program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from models.processes.requests import CountAnswer, CountRequest
from models.steps.counting.kinds_of_work import features
from models.steps.counting.multiply_adds import Operator, Shape, multiply_adds
from models.steps.paddle import architectures
from models.steps.paddle.fusion import fuse_blocks
from models.steps.paddle.tracing import trace

# No other attribute changes what an operator costs or of which kind its work is.
_ATTRIBUTES = ("trans_x", "trans_y", "y_num_col_dims", "groups")


def run(request: CountRequest) -> CountAnswer:
    """Count what runs on a device: the program after blocks were fused, for one image.

    Parameters are those that training sets; the running statistics of batch norms are not.

    Raises:
        StepRefused: the architecture cannot be built, or an operator's cost is not known.
    """
    network = architectures.build(request.architecture)
    fuse_blocks(network)
    program = trace(network, (1, 3, request.input_size, request.input_size)).forward.main_program
    operators = [_operator(block, operator) for block in program.blocks for operator in block.ops]
    params = sum(_parameter_sizes(program))
    return CountAnswer(
        params,
        sum(map(multiply_adds, operators)),
        tuple(sorted({operator.kind for operator in operators})),
        features(operators, params),
    )


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
