"""Turns frozen dataclasses into messages of the contract and back, by field names.

A dataclass stands for a message when its fields have the message's field names; an enum stands for
a proto enum when its class and member names are the proto's (`StopReason.PRECISE` is
`STOP_REASON_PRECISE`). An absent `optional` field takes the dataclass's default, which is None.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache, partial
from typing import Any, Final, TypeVar

from cattrs import Converter
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from protos.names import printable

MessageT = TypeVar("MessageT", bound=Message)
DomainT = TypeVar("DomainT")

_FRACTIONS = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})
_NUMBERS = _FRACTIONS | {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
    FieldDescriptor.CPPTYPE_BOOL,
}


class MessageInvalid(ValueError):
    """A message and its domain object do not fit each other."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much a message of a stranger may hold.

    Attributes:
        items: texts, enums or messages of one list, or entries of one map.
        numbers: of one list.
        characters: of one text, which is made printable besides (`protos.names.printable`).
    """

    items: int
    numbers: int
    characters: int


ASKED: Final = Bounds(items=20_000, numbers=1_000_000, characters=20_000)
"""What a person or a program may ask for at once: every device of a large fleet, by name."""
_ANY_ANSWER: Final = Bounds(items=sys.maxsize, numbers=sys.maxsize, characters=sys.maxsize)


def to_message(domain: object, message_type: type[MessageT]) -> MessageT:
    """The message with the fields of the dataclass `domain`.

    Raises:
        MessageInvalid: a figure is not a number, is infinite, or does not fit its field.
    """
    try:
        return message_type(**_converter().unstructure(domain))
    except (TypeError, ValueError) as error:
        raise MessageInvalid(
            f"a {message_type.DESCRIPTOR.name} message cannot be sent: {error}"
        ) from error


def from_message(
    message: Message, domain_type: type[DomainT], bounds: Bounds | None = None
) -> DomainT:
    """The dataclass with the fields of `message`.

    Args:
        message: what came over the wire.
        domain_type: the dataclass that stands for it.
        bounds: what a stranger may send; None for a peer that is trusted.

    Raises:
        MessageInvalid: a field that the dataclass needs is missing, an enum is unspecified or not
            known, a figure is no number, or there is more in it than the bounds allow.
    """
    try:
        return _converter().structure(_document(message, bounds), domain_type)
    except (TypeError, ValueError, KeyError) as error:
        raise MessageInvalid(
            f"a {message.DESCRIPTOR.name} message does not make sense: {printable(str(error))}; "
            "use the same edgerank version on both sides"
        ) from error


def from_request(message: Message, domain_type: type[DomainT]) -> DomainT:
    """As `from_message`, of what a person or a program asks for: nothing of it is left out.

    Nor is it made printable, which would be another question.

    Raises:
        MessageInvalid: as `from_message` and `refuse_unknown`, and for more than is `ASKED`.
    """
    refuse_unknown(message)
    _refuse_more(message)
    return from_message(message, domain_type)


def from_answer(message: Message, domain_type: type[DomainT]) -> DomainT:
    """As `from_message`, of what a person or a program is told: texts are made printable.

    Whoever put them into a model's file, or into a database, does not reach a terminal by them.
    """
    return from_message(message, domain_type, _ANY_ANSWER)


def refuse_unknown(message: Message) -> None:
    """Refuses what asks for more than this version knows, where leaving it out would be wrong.

    Raises:
        MessageInvalid: the message, or one in it, has a field that the contract of this version has
            not; fields that say nothing do not travel.
    """
    for name, number in _unknown(message):
        raise MessageInvalid(
            f"field {number} of a {name} message is not known here: update edgerank on this side, "
            "or do not ask for what is new"
        )


def _refuse_more(message: Message) -> None:
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        most = ASKED.numbers if field.cpp_type in _NUMBERS else ASKED.items
        if len(values) > most:
            raise MessageInvalid(_too_many(field, len(values), most))
        for each in values:
            if isinstance(each, Message):
                _refuse_more(each)
            elif isinstance(each, str) and len(each) > ASKED.characters:
                raise MessageInvalid(_too_long(field, each, ASKED))


def _unknown(message: Message) -> Iterator[tuple[str, int]]:
    """The fields that the contract of this version has not, each with its message."""
    unknown = UnknownFieldSet(message)
    for at in range(len(unknown)):
        yield message.DESCRIPTOR.name, unknown[at].field_number
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield from _unknown(value)
        elif not field.message_type.GetOptions().map_entry:
            for each in value:
                yield from _unknown(each)


_Reader = Callable[[Any, Bounds | None], Any]


def _document(message: Message, bounds: Bounds | None) -> dict[str, Any]:
    """A message's fields by name; enums as the contract spells them."""
    return {
        name: read(getattr(message, name), bounds)
        for name, has_presence, read in _readers(message.DESCRIPTOR)
        if not has_presence or message.HasField(name)
    }


@cache
def _readers(message_type: Descriptor) -> tuple[tuple[str, bool, _Reader], ...]:
    """How each field of a message is read: found once, as messages are many."""
    return tuple((field.name, field.has_presence, _reader(field)) for field in message_type.fields)


def _reader(field: FieldDescriptor) -> _Reader:
    if not field.is_repeated:
        return _reader_of_one(field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        read_all: _Reader = partial(_map, field)
    elif field.cpp_type in _NUMBERS and field.cpp_type not in _FRACTIONS:
        read_all = _integers
    else:
        read_all = partial(_each, _reader_of_one(field))
    return partial(_few, field, read_all)


def _reader_of_one(field: FieldDescriptor) -> _Reader:
    if field.message_type is not None:
        return _document
    if field.enum_type is not None:
        names = {number: known.name for number, known in field.enum_type.values_by_number.items()}
        return lambda value, _bounds: names.get(value, value)
    return partial(_plain, field)


def _few(field: FieldDescriptor, read_all: _Reader, values: Any, bounds: Bounds | None) -> Any:
    """What a field with several values holds, if they are no more than may be."""
    if bounds is not None:
        most = bounds.numbers if field.cpp_type in _NUMBERS else bounds.items
        if len(values) > most:
            raise ValueError(_too_many(field, len(values), most))
    return read_all(values, bounds)


def _each(read: _Reader, values: Iterable[Any], bounds: Bounds | None) -> tuple[Any, ...]:
    return tuple(read(each, bounds) for each in values)


def _map(
    field: FieldDescriptor, values: Mapping[Any, Any], bounds: Bounds | None
) -> dict[Any, Any]:
    return {_plain(field, key, bounds): _plain(field, each, bounds) for key, each in values.items()}


def _plain(field: FieldDescriptor, value: Any, bounds: Bounds | None) -> Any:
    """A value that is kept as it is; a stranger's text within its bounds, and made printable."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{field.name} is {value}, which is no figure")
    if bounds is None or not isinstance(value, str):
        return value
    if len(value) > bounds.characters:
        raise ValueError(_too_long(field, value, bounds))
    return printable(value)


def _too_many(field: FieldDescriptor, count: int, most: int) -> str:
    return f"{field.name} has {count} entries, at most {most} may be"


def _too_long(field: FieldDescriptor, text: str, bounds: Bounds) -> str:
    return f"{field.name} has {len(text)} characters, at most {bounds.characters} may be"


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook_func(_is_enum, _wire_name)
    converter.register_structure_hook_func(_is_enum, _member)
    converter.register_unstructure_hook(float, _figure)
    # As they are: samples are many, and of their kind already.
    converter.register_unstructure_hook_func(_are_integers, lambda numbers: numbers)
    converter.register_structure_hook_func(_are_integers, _integers)
    return converter


def _are_integers(candidate: Any) -> bool:
    return bool(candidate == tuple[int, ...])


def _integers(numbers: Iterable[int], _type: Any) -> tuple[int, ...]:
    return tuple(numbers)


def _figure(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no figure")
    return value


def _is_enum(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Enum)


@cache
def _prefix(enum_type: type[Enum]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", enum_type.__name__).upper() + "_"


def _wire_name(value: Enum) -> str:
    return _prefix(type(value)) + value.name


def _member(name: str | int, enum_type: type[Enum]) -> Enum:
    if isinstance(name, int):  # A number that this version does not know.
        raise ValueError(f"{enum_type.__name__} {name} is not known")
    return enum_type[name.removeprefix(_prefix(enum_type))]
