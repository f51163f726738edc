"""Pass on a program: multiply by a constant matrix with `mul` instead of `matmul_v2`."""

from __future__ import annotations

from typing import Any

from paddle.base.proto import framework_pb2

_TRANSPOSED = ("trans_x", "trans_y")


def rewrite(program: Any) -> int:
    """Replace each product with an untransposed matrix of weights; return how many there are.

    Args:
        program: a `ProgramDesc`, changed in place.
    """
    count = 0
    variables = _variables(program)
    for block in program.blocks:
        for operator in block.ops:
            if operator.type != "matmul_v2":
                continue
            x, y = (variables[name] for name in _operands(operator))
            is_matrix = len(_shape(x)) >= 2 and len(_shape(y)) == 2
            if y.persistable and is_matrix and not _is_transposed(operator):
                _multiply(operator, len(_shape(x)) - 1)
                count += 1
    return count


def left(program: Any) -> int:
    """Return how many `matmul_v2` with a constant operand a program has."""
    variables = _variables(program)
    return sum(
        any(variables[name].persistable for name in _operands(operator))
        for block in program.blocks
        for operator in block.ops
        if operator.type == "matmul_v2"
    )


def _variables(program: Any) -> dict[str, Any]:
    """Return every variable by name; an inner block uses those of the blocks around it."""
    return {variable.name: variable for block in program.blocks for variable in block.vars}


def _operands(operator: Any) -> tuple[str, str]:
    names = {slot.parameter: slot.arguments[0] for slot in operator.inputs if slot.arguments}
    return names["X"], names["Y"]


def _shape(variable: Any) -> tuple[int, ...]:
    return tuple(variable.type.lod_tensor.tensor.dims)


def _is_transposed(operator: Any) -> bool:
    return any(each.b for each in operator.attrs if each.name in _TRANSPOSED)


def _multiply(operator: Any, x_columns: int) -> None:
    operator.type = "mul"
    for attribute in [each for each in operator.attrs if each.name in _TRANSPOSED]:
        operator.attrs.remove(attribute)
    for name, value in (("x_num_col_dims", x_columns), ("y_num_col_dims", 1)):
        operator.attrs.add(name=name, type=framework_pb2.INT, i=value)
