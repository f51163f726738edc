"""What the operators of an ONNX graph are, as the rules of Paddle's programs know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from types import MappingProxyType

import onnx

from models.catalog.features import NetworkCount
from models.steps.counting.kinds_of_work import count_network
from models.steps.counting.multiply_adds import Operator, Shape
from models.steps.refusal import StepRefused

# More numbers than any shape or list of axes has; what is larger is weights.
_LARGEST_SHAPE = 1_024
# The operator of Paddle whose work is the same, by ONNX's name.
_SAME: Mapping[str, str] = MappingProxyType(
    {
        "Conv": "conv2d",
        "ConvTranspose": "conv2d_transpose",
        "MatMul": "matmul_v2",
        "Gemm": "matmul_v2",
        **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"), "elementwise_add"),
        **dict.fromkeys(("Relu", "LeakyRelu", "PRelu", "Clip", "Abs", "Neg", "Floor"), "relu"),
        **dict.fromkeys(("HardSwish", "HardSigmoid", "ThresholdedRelu"), "hard_swish"),
        **dict.fromkeys(("Sigmoid", "Tanh", "Exp", "Erf", "Mish", "Pow", "Sqrt"), "sigmoid"),
        **dict.fromkeys(("Softplus", "Softsign", "Elu", "Selu", "Celu", "Gelu"), "sigmoid"),
        **dict.fromkeys(("Log", "Reciprocal", "Sin", "Cos", "Swish"), "sigmoid"),
        **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), "softmax"),
        **dict.fromkeys(("LayerNormalization", "GroupNormalization"), "layer_norm"),
        **dict.fromkeys(("InstanceNormalization", "LpNormalization", "LRN"), "layer_norm"),
        **dict.fromkeys(("MaxPool", "AveragePool", "LpPool", "GlobalAveragePool"), "pool2d"),
        **dict.fromkeys(("GlobalMaxPool", "GlobalLpPool", "ReduceMean", "ReduceSum"), "pool2d"),
        **dict.fromkeys(("ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"), "pool2d"),
        **dict.fromkeys(("ReduceSumSquare", "ArgMax", "ArgMin", "TopK"), "pool2d"),
        **dict.fromkeys(("Concat", "Split", "Transpose", "Slice", "Gather", "Expand"), "concat"),
        **dict.fromkeys(("GatherElements", "GatherND", "Tile", "Pad", "Where"), "concat"),
        **dict.fromkeys(("Resize", "Upsample", "DepthToSpace", "SpaceToDepth"), "concat"),
        # Nothing worth counting: shapes, constants, and norms that runtimes fold.
        **dict.fromkeys(("Shape", "Size", "Constant", "ConstantOfShape", "Range"), "shape"),
        **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"), "reshape2"),
        **dict.fromkeys(("Cast", "CastLike", "Dropout", "BatchNormalization"), "cast"),
        **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), "equal"),
        **dict.fromkeys(("Not", "And", "Or", "Xor", "NonZero", "EyeLike"), "equal"),
    }
)
_FREE = frozenset({"shape", "reshape2", "cast", "equal"})
_SLOTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"conv2d": ("Input", "Filter"), "conv2d_transpose": ("Input", "Filter")}
)
# Where a graph is quantised: in float32, of which predictions are, it would do something else.
_QUANTISING = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger"}
    | {"QLinearMatMul", "MatMulInteger"}
)


def count_graph(model: onnx.ModelProto, params: int) -> NetworkCount:
    """Count what a model for one image does; what cannot be counted says why.

    Args:
        model: its inputs have their shapes.
        params: numbers in its weights.
    """
    return count_network(lambda: _operators(model), params)


def _operators(model: onnx.ModelProto) -> Iterator[Operator]:
    kinds = [_kind(node) for node in model.graph.node]
    shapes = _shapes(model)
    for kind, node in zip(kinds, model.graph.node, strict=True):
        if kind in _FREE:
            continue
        read, written = list(filter(None, node.input)), list(filter(None, node.output))
        if any(name not in shapes for name in (*read, *written[:1])):
            raise StepRefused(f"the operator {node.op_type} has a shape that is not fixed")
        yield _operator(kind, node, [shapes[name] for name in read], shapes[written[0]])


def _kind(node: onnx.NodeProto) -> str:
    if node.op_type in _QUANTISING:
        raise StepRefused("it is quantised, and features are of what computes in float32")
    kind = _SAME.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if kind is None:
        raise StepRefused(f"no rule says what the operator {node.op_type} costs")
    return kind


def _operator(kind: str, node: onnx.NodeProto, read: list[Shape], written: Shape) -> Operator:
    """As Paddle has it: of several tensors of one slot the first."""
    most = 1 if kind in ("concat", "pool2d") else 2
    slots = _SLOTS.get(kind, ("X", "Y"))
    attributes: dict[str, object] = {}
    for each in node.attribute:
        if each.name == "group":
            attributes["groups"] = each.i
        if each.name == "transA":
            attributes["trans_x"] = bool(each.i)
    output = "Output" if kind in _SLOTS else "Out"
    return Operator(
        kind, dict(zip(slots, read[:most], strict=False)), {output: written}, attributes
    )


def _shapes(model: onnx.ModelProto) -> dict[str, Shape]:
    """Return the shape of every tensor whose shape is fixed, by name."""
    try:
        inferred = onnx.shape_inference.infer_shapes(_without_weights(model), data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise StepRefused("its shapes do not fit together") from error
    shapes = {
        value.name: shape
        for value in (*inferred.input, *inferred.value_info, *inferred.output)
        if (shape := _fixed(value)) is not None
    }
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in inferred.initializer}
    return shapes


def _fixed(value: onnx.ValueInfoProto) -> Shape | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    sizes = tuple(axis.dim_value for axis in tensor.shape.dim if axis.HasField("dim_value"))
    return sizes if len(sizes) == len(tensor.shape.dim) else None


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the shapes of its weights for the weights, so that it takes no memory."""
    light = onnx.ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    graph = light.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    weights = {tensor.name for tensor in model.graph.initializer}
    graph.input.extend(value for value in model.graph.input if value.name not in weights)
    for tensor in model.graph.initializer:
        if prod(tensor.dims) <= _LARGEST_SHAPE:
            graph.initializer.append(tensor)
        else:
            graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return light
