"""What stands in an ONNX file, wherever in it: messages, and the numbers of its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from types import MappingProxyType

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import TensorProto

# Quantised biases are int32; in an operator that quantises nothing, int32 is a shape or a place.
_BIAS = TensorProto.INT32
_WEIGHTS = frozenset(
    {
        TensorProto.FLOAT,
        TensorProto.FLOAT16,
        TensorProto.BFLOAT16,
        TensorProto.DOUBLE,
        TensorProto.INT8,
        TensorProto.UINT8,
        TensorProto.INT4,
        TensorProto.UINT4,
        _BIAS,
    }
)
# How the inputs of an operator are called that say what its whole numbers stand for.
_RANGE_NAMES = ("_scale", "_zero_point")
# Where they stand in operators of ONNX Runtime, whose names onnx does not know.
_RANGES: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        "DynamicQuantizeMatMul": frozenset({2, 3}),
        "MatMulIntegerToFloat": frozenset({2, 3, 4, 5}),
        "QGemm": frozenset({1, 2, 4, 5, 7, 8}),
    }
)


def messages(message: Message) -> Iterator[Message]:
    """Yield a message and every message inside, wherever it stands."""
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in (value,) if isinstance(value, Message) else value:
                yield from messages(inner)


def is_quantised(model: onnx.ModelProto) -> bool:
    """Say whether the model computes with whole numbers by itself, in any of ONNX's ways."""
    return any(isinstance(node, onnx.NodeProto) and _range_places(node) for node in messages(model))


def parameter_count(model: onnx.ModelProto) -> int:
    """Return how many numbers the weights have: initialisers and constants, in subgraphs, too.

    Not counted: single numbers, shapes and places, and what says the range of quantised weights.
    """
    ranges, quantised = _quantised_inputs(model)
    return sum(
        _size(tensor)
        for name, tensor in _tensors(model)
        if tensor.data_type in _WEIGHTS
        if name not in ranges and (tensor.data_type != _BIAS or name in quantised)
    )


def _tensors(model: onnx.ModelProto) -> Iterator[tuple[str, TensorProto]]:
    """Yield what is constant, by the name that operators read it by."""
    for message in messages(model):
        if isinstance(message, onnx.GraphProto):
            yield from ((tensor.name, tensor) for tensor in message.initializer)
            yield from ((each.values.name, each.values) for each in message.sparse_initializer)
        elif isinstance(message, onnx.NodeProto) and message.op_type == "Constant":
            yield from ((message.output[0], each) for each in map(_constant, message.attribute))


def _constant(attribute: onnx.AttributeProto) -> TensorProto:
    if attribute.name == "sparse_value":
        return attribute.sparse_tensor.values
    if attribute.name == "value_floats":
        return TensorProto(data_type=TensorProto.FLOAT, dims=[len(attribute.floats)])
    # Of whole numbers and texts there is no tensor, and nothing to count.
    return attribute.t


def _size(tensor: TensorProto) -> int:
    return prod(tensor.dims) if tensor.dims else 0


def _quantised_inputs(model: onnx.ModelProto) -> tuple[set[str], set[str]]:
    """Return the names that give ranges, and those of what operators that have them read."""
    ranges: set[str] = set()
    quantised: set[str] = set()
    for node in messages(model):
        if isinstance(node, onnx.NodeProto) and (places := _range_places(node)):
            for place, name in enumerate(node.input):
                (ranges if place in places else quantised).add(name)
    return ranges, quantised


def _range_places(node: onnx.NodeProto) -> frozenset[int]:
    if node.domain == "com.microsoft":
        return _RANGES.get(node.op_type, frozenset())
    if node.domain not in ("", "ai.onnx") or not onnx.defs.has(node.op_type):
        return frozenset()
    inputs = onnx.defs.get_schema(node.op_type).inputs
    return frozenset(place for place, each in enumerate(inputs) if each.name.endswith(_RANGE_NAMES))
