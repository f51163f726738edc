"""What a stored object's fields may hold is what a message has room for."""

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from controller.state.schema.unreadable import is_signed, is_wide
from protos.v1 import query_pb2, types_pb2

_SIGNED = (FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SINT64)
_NARROW = (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_INT32)
_WIDE = (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_INT64)
# Of answers alone, and of a figure's reason, which no row holds as a whole number.
_NEVER_STORED = {"count", "params", "memory_bytes"}


def fields_of(kinds: tuple[int, ...]) -> set[str]:
    messages: list[Descriptor] = [
        message
        for file in (query_pb2.DESCRIPTOR, types_pb2.DESCRIPTOR)
        for message in file.message_types_by_name.values()
    ]
    return {
        field.name for message in messages for field in message.fields if field.type in kinds
    } - _NEVER_STORED


def test_what_has_64_bits_may_hold_them() -> None:
    wide = fields_of(_WIDE)
    assert "latency_ns" in wide
    assert all(map(is_wide, wide))


def test_what_has_32_bits_holds_no_more() -> None:
    narrow = fields_of(_NARROW)
    assert "threads" in narrow
    assert not any(map(is_wide, narrow))


def test_what_may_be_below_nothing_is_what_has_a_sign() -> None:
    signed = fields_of(_SIGNED)
    assert "priority" in signed
    assert all(map(is_signed, signed))
    assert not any(map(is_signed, fields_of(_WIDE + _NARROW)))
