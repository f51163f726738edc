"""Messages of any kind that the wire may carry, drawn from their descriptors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MessageT = TypeVar("MessageT", bound=Message)

FUZZED = settings(
    max_examples=150,
    deadline=None,
    # Whole reports are large, and drawing them is slow on a busy machine.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What has meant something to a terminal, a path, a table, a log line or a database.
ODD_TEXTS: Final = (
    *("", "\0", "a\0b", "\n", "\x1b[2J", "\u202eexe", "\u2028", "../../etc/passwd", "/", "all"),
    *("=1+1", "%s%n", "{}", "null", "NaN", "'; --", "\ud7ff\uffff", "\U0010ffff", "x" * 20_001),
)
_TEXTS: Final = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
_COUNTS: Final = st.sampled_from((0, 1, 1, 2, 3, 65, 1_000, 1_001))
# Each of them may have lists of its own, and millions of entries take seconds to draw.
_PART_COUNTS: Final = st.sampled_from((0, 1, 1, 2, 3, 9))


def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    ends = st.sampled_from((low, high, 0, 1, high - 1))
    return ends | st.integers(low, high)


_PLAIN: Final[Mapping[int, st.SearchStrategy[Any]]] = {
    FieldDescriptor.CPPTYPE_INT32: _integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
}


@st.composite
def messages(draw: st.DrawFn, message_type: type[MessageT]) -> MessageT:
    """Any message of a type, each of its fields set or not, of a oneof's at most one."""
    message = message_type()
    for field in _fields(message):
        oneof = field.containing_oneof
        if (oneof is None or len(oneof.fields) == 1) and draw(st.booleans()):
            _set(draw, message, field)
    for oneof in cast(Sequence[OneofDescriptor], message.DESCRIPTOR.oneofs):
        # Of an optional field, its oneof is its own.
        chosen = (
            draw(st.none() | st.sampled_from(tuple(oneof.fields)))
            if len(oneof.fields) > 1
            else None
        )
        if chosen is not None:
            _set(draw, message, chosen)
    return message


@st.composite
def changed(draw: st.DrawFn, sound: MessageT) -> MessageT:
    """A message that made sense until up to three of its fields, wherever, became anything."""
    message = type(sound)()
    message.CopyFrom(sound)
    for _ in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(list(_parts(message))))
        field = draw(st.sampled_from(_fields(part)))
        part.ClearField(field.name)
        if draw(st.integers(0, 3)):
            _set(draw, part, field)
    return message


@st.composite
def spoiled(draw: st.DrawFn, sound: Message) -> bytes:
    """The bytes of a message, cut, longer, or with some of them changed."""
    content = bytearray(sound.SerializeToString())
    for _ in range(draw(st.integers(0, 4))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.none() | st.integers(0, len(content)))
    return bytes(content[:cut]) + draw(st.binary(max_size=20))


def _set(draw: st.DrawFn, message: Message, field: FieldDescriptor) -> None:
    """Set a field that is not set."""
    if not field.is_repeated:
        value = draw(_values(field))
        if field.message_type is not None:
            getattr(message, field.name).CopyFrom(value)
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, value)
        return
    held = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name
        for _ in range(draw(st.integers(0, 3))):
            held[draw(_values(key))] = draw(_values(value["value"]))
        return
    # Alike from the third on: what is long is long by its number.
    first = draw(st.lists(_values(field), min_size=1, max_size=2))
    count = draw(_COUNTS if field.message_type is None else _PART_COUNTS)
    held.extend((first + first[-1:] * count)[:count])


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(cast(Any, GetMessageClass(field.message_type)))
    if field.enum_type is not None:
        known = st.sampled_from([value.number for value in field.enum_type.values])
        return known | _PLAIN[FieldDescriptor.CPPTYPE_INT32]
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=60)
    return _PLAIN.get(field.cpp_type, _TEXTS)


def _fields(message: Message) -> Sequence[FieldDescriptor]:
    return tuple(cast(Sequence[FieldDescriptor], message.DESCRIPTOR.fields))


def _parts(message: Message) -> Iterator[Message]:
    """The message, and those in it that have fields."""
    if message.DESCRIPTOR.fields:
        yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else (value,):
            yield from _parts(each)
