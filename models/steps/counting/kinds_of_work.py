"""Of which kind an operator's work is, and how much of it there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from math import prod
from types import MappingProxyType

from models.catalog.features import NetworkCount, NetworkFeatures
from models.steps.counting.multiply_adds import Operator, multiply_adds
from models.steps.refusal import StepRefused

_NUMBER_BYTES = 4
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        operator: kind
        for kind, operators in {
            "product": "matmul matmul_v2 bmm mul",
            "elementwise": "elementwise_add elementwise_sub elementwise_mul elementwise_div "
            "elementwise_max elementwise_min elementwise_pow scale sum",
            "cheap": "relu relu6 leaky_relu prelu hard_swish hard_sigmoid clip abs square floor",
            "costly": "sigmoid silu swish gelu softmax tanh exp erf mish pow sqrt rsqrt softplus "
            "layer_norm group_norm instance_norm elu selu log log_softmax reciprocal sin cos lrn "
            "norm p_norm",
            "pooling": "pool2d max_pool2d_with_index reduce_mean reduce_sum reduce_max reduce_min "
            "arg_max arg_min top_k_v2",
            "moving": "concat split transpose2 slice strided_slice gather index_select roll pad "
            "pad3d stack unstack expand_v2 tile fold unfold set_value where bilinear_interp_v2 "
            "nearest_interp_v2 pixel_shuffle shuffle_channel flip",
        }.items()
        for operator in operators.split()
    }
)
_CONVOLUTIONS = frozenset(
    {"conv2d", "depthwise_conv2d", "conv2d_transpose", "depthwise_conv2d_transpose"}
)


_FREE = frozenset(
    {"assign", "assign_value", "batch_norm", "cast", "dropout", "equal", "feed", "fetch"}
    | {"fill_any_like", "fill_constant", "flatten2", "flatten_contiguous_range", "greater_equal"}
    | {"greater_than", "less_equal", "less_than", "logical_and", "logical_not", "logical_or"}
    | {"not_equal", "range", "reshape", "reshape2", "shape", "size", "squeeze2", "unsqueeze2"}
)
"""What costs nothing worth counting: shapes, constants, and norms that runtimes fold."""


def count_network(operators: Callable[[], Iterable[Operator]], params: int) -> NetworkCount:
    """Sum up what a network's operators do, or say what of it no rule knows.

    Nothing of a stranger's file is raised: what is not counted is converted and measured all the
    same.

    Args:
        operators: reads them; of one image.
        params: numbers in the weights.
    """
    try:
        known = list(operators())
        _refuse_unknown(known)
        counted = features(known, params)
    except StepRefused as refused:
        return NetworkCount(refusal=str(refused))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return NetworkCount(refusal="its operators have shapes that no rule knows")
    return NetworkCount(features=counted)


def _refuse_unknown(operators: Iterable[Operator]) -> None:
    for operator in operators:
        multiply_adds(operator)
        if operator.kind in _FREE:
            continue
        if operator.kind not in _CONVOLUTIONS | _KINDS.keys():
            raise StepRefused(f"no rule says what the operator {operator.kind} costs")
        sizes = chain.from_iterable((*operator.inputs.values(), *operator.outputs.values()))
        if min(sizes, default=0) < 0:
            raise StepRefused(f"the operator {operator.kind} has a shape that is not fixed")


def features(operators: Iterable[Operator], params: int) -> NetworkFeatures:
    """Sum up what operators do, by kind; those of no kind cost nothing worth counting.

    Raises:
        StepRefused: what one multiplies is not known.
    """
    sums: Counter[str] = Counter()
    for operator in operators:
        kind = _kind(operator)
        if kind is None:
            continue
        multiplied, written = multiply_adds(operator), _numbers(operator.outputs)
        sums[f"{kind}_count"] += 1
        sums["traffic_bytes"] += _NUMBER_BYTES * (written + _numbers(operator.inputs))
        if multiplied:
            sums["multiply_adds"] += multiplied
            sums["activations"] += written
            sums[f"{kind}_cost"] += multiplied
        else:
            sums[f"{kind}_cost"] += _numbers(operator.inputs) if kind == "pooling" else written
    totals = {name: sums.pop(name, 0) for name in ("multiply_adds", "activations", "traffic_bytes")}
    return NetworkFeatures(params=params, **totals, **sums)


def _kind(operator: Operator) -> str | None:
    if operator.kind not in _CONVOLUTIONS:
        return _KINDS.get(operator.kind)
    filters = operator.inputs["Filter"]
    groups = operator.attributes.get("groups", 1)
    if operator.kind.startswith("depthwise") or (groups != 1 and filters[1] == 1):
        return "depthwise"
    if groups != 1:
        return "grouped"
    return "pointwise" if prod(filters[2:]) == 1 else "dense"


def _numbers(shapes: Mapping[str, tuple[int, ...]]) -> int:
    # Shapes of a side table, such as the shape that a reshaping remembers, are not worked on.
    return sum(max(prod(shape), 0) for slot, shape in shapes.items() if slot != "XShape")
