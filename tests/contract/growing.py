"""What a later version of the contract may add, added everywhere: fields, members, enum values."""

from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

FUTURE_NUMBER = 1_001
"""Of every enum value that was added, and of the first field of each message."""


def grow(file: FileDescriptorProto) -> None:
    """Adds to every message fields and a member of each oneof, and to every enum a value."""
    for message in file.message_type:
        _grow_message(message, f".{file.package}.{message.name}")
    for enum in file.enum_type:
        _grow_enum(enum)


def say_more(message: Any) -> Any:
    """Fills in what was added to a message and to those in it; what was said before stays."""
    within = [(field, value) for field, value in message.ListFields() if field.message_type]
    for field, value in within:
        if field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else (value,):
            say_more(each)
    message.future_text = "nobody knows this yet"
    message.future_numbers.extend((0, 1, 2**32 - 1))
    message.future_inner.text = "nor this"
    return message


def _grow_message(message: DescriptorProto, full_name: str) -> None:
    real = sorted(
        {
            field.oneof_index
            for field in message.field
            if field.HasField("oneof_index") and not field.proto3_optional
        }
    )
    part = message.nested_type.add(name="FutureInner")
    _add_field(part, "text", 1, FieldDescriptorProto.TYPE_STRING)
    _add_field(message, "future_text", FUTURE_NUMBER, FieldDescriptorProto.TYPE_STRING)
    numbers = _add_field(
        message, "future_numbers", FUTURE_NUMBER + 1, FieldDescriptorProto.TYPE_UINT32
    )
    numbers.label = FieldDescriptorProto.LABEL_REPEATED
    future = _add_field(
        message, "future_inner", FUTURE_NUMBER + 2, FieldDescriptorProto.TYPE_MESSAGE
    )
    future.type_name = f"{full_name}.FutureInner"
    for index in real:
        member = _add_field(
            message,
            f"future_{message.oneof_decl[index].name}",
            FUTURE_NUMBER + 3 + index,
            FieldDescriptorProto.TYPE_BYTES,
        )
        member.oneof_index = index


def _add_field(
    message: DescriptorProto, name: str, number: int, kind: "FieldDescriptorProto.Type.ValueType"
) -> FieldDescriptorProto:
    return message.field.add(
        name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL
    )


def _grow_enum(enum: EnumDescriptorProto) -> None:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    enum.value.add(name=f"{prefix}FUTURE", number=FUTURE_NUMBER)
