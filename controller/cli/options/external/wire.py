"""As much of ONNX's format as tells where its tensors are; all else of a file stays as it is.

A person who adds a model need not have the package onnx, and protobuf keeps what it does not know.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

EXTERNAL: Final = 1
"""The location of a tensor whose bytes are in another file."""

_Field = descriptor_pb2.FieldDescriptorProto

# Names, numbers and types as in onnx.proto; of a message, what it leads to.
_MESSAGES: Final[Mapping[str, Mapping[str, tuple[int, Any]]]] = {
    "Model": {"graph": (7, "Graph"), "functions": (25, "Function")},
    "Graph": {
        "node": (1, "Node"),
        "initializer": (5, "Tensor"),
        "sparse_initializer": (15, "SparseTensor"),
    },
    "Function": {"node": (7, "Node"), "attribute_proto": (11, "Attribute")},
    "Node": {"attribute": (5, "Attribute")},
    "Attribute": {
        "t": (5, "Tensor"),
        "g": (6, "Graph"),
        "tensors": (10, "Tensor"),
        "graphs": (11, "Graph"),
        "sparse_tensor": (22, "SparseTensor"),
        "sparse_tensors": (23, "SparseTensor"),
    },
    "SparseTensor": {"values": (1, "Tensor"), "indices": (2, "Tensor")},
    "Tensor": {
        "dims": (1, _Field.TYPE_INT64),
        "data_type": (2, _Field.TYPE_INT32),
        "raw_data": (9, _Field.TYPE_BYTES),
        "external_data": (13, "Entry"),
        "data_location": (14, _Field.TYPE_INT32),
    },
    "Entry": {"key": (1, _Field.TYPE_BYTES), "value": (2, _Field.TYPE_BYTES)},
}
_SINGLE: Final = frozenset(
    {"graph", "t", "g", "sparse_tensor", "values", "indices", "data_type", "raw_data"}
    | {"data_location", "key", "value"}
)

ELEMENT_BITS: Final[Mapping[int, int]] = {
    **dict.fromkeys((25, 26), 2),
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
}
"""Size of a number by its data type; texts have none."""


def parse(content: bytes) -> Any:
    """Gives the model that a file holds.

    Raises:
        DecodeError: the bytes are no message.
    """
    return _MODEL.FromString(content)


def tensors(message: Message) -> Iterator[Any]:
    """Every tensor inside, wherever it stands."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in (value,) if isinstance(value, Message) else value:
                if inner.DESCRIPTOR.name == "Tensor":
                    yield inner
                else:
                    yield from tensors(inner)


def _model_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="edgerank/onnx", package="edgerank.onnx")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = _Field.LABEL_OPTIONAL if field in _SINGLE else _Field.LABEL_REPEATED
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".edgerank.onnx.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("edgerank.onnx.Model"))


_MODEL = _model_type()
