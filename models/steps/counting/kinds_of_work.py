"""Of which kind an operator's work is, and how much of it there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from types import MappingProxyType

from models.catalog.features import NetworkFeatures
from models.steps.counting.multiply_adds import Operator, multiply_adds

_NUMBER_BYTES = 4
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        operator: kind
        for kind, operators in {
            "product": "matmul matmul_v2 bmm mul",
            "elementwise": "elementwise_add elementwise_sub elementwise_mul elementwise_div "
            "elementwise_max elementwise_min scale sum",
            "cheap": "relu relu6 leaky_relu prelu hard_swish hard_sigmoid clip abs square",
            "costly": "sigmoid silu swish gelu softmax tanh exp erf mish pow sqrt rsqrt softplus "
            "layer_norm group_norm instance_norm",
            "pooling": "pool2d max_pool2d_with_index reduce_mean reduce_sum reduce_max",
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
