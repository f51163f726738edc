"""Makes frozen dataclasses of messages: how is found once for each type, as messages are many."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import cache, partial
from types import UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from protos.codec.bounds import Bounds, checked_count, plain
from protos.codec.spelling import is_fraction, is_map, is_number, members_of, unknown_member

DomainT = TypeVar("DomainT")
_Reader: TypeAlias = Callable[[Any, Bounds | None], Any]


@dataclass(frozen=True, slots=True)
class _Field:
    """How a field is read; one with presence that is absent takes the dataclass's default."""

    name: str
    has_presence: bool
    is_needed: bool
    read: _Reader


def made(message: Message, domain_type: type[DomainT], bounds: Bounds | None) -> DomainT:
    """The dataclass with the fields of a message.

    Raises:
        KeyError: a field that the dataclass needs is absent.
        TypeError, ValueError: a value is none that the dataclass can have, or beyond the bounds.
    """
    given: dict[str, Any] = {}
    of_type: Any = domain_type
    for field in _fields(message.DESCRIPTOR, of_type):
        name = field.name
        if not field.has_presence or message.HasField(name):
            given[name] = field.read(getattr(message, name), bounds)
        elif field.is_needed:
            raise KeyError(name)
    return domain_type(**given)


@cache
def _fields(message_type: Descriptor, domain_type: Any) -> tuple[_Field, ...]:
    known, hints = message_type.fields_by_name, get_type_hints(domain_type)
    return tuple(
        _Field(
            name=each.name,
            has_presence=known[each.name].has_presence,
            is_needed=each.default is MISSING and each.default_factory is MISSING,
            read=_reader(known[each.name], _without_none(hints[each.name])),
        )
        for each in fields(domain_type)
        if each.name in known
    )


def _without_none(hint: Any) -> Any:
    """What a field holds where it is there."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    (found,) = (each for each in get_args(hint) if each is not type(None))
    return found


def _reader(field: FieldDescriptor, hint: Any) -> _Reader:
    if not field.is_repeated:
        return _reader_of_one(field, hint)
    if is_map(field):
        return partial(_map, field)
    if field.type == FieldDescriptor.TYPE_STRING:
        return partial(_texts, field)
    read = _each if not is_number(field) or is_fraction(field) else _integers
    return partial(read, field, _reader_of_one(field, get_args(hint)[0]))


def _reader_of_one(field: FieldDescriptor, hint: Any) -> _Reader:
    if field.message_type is not None:
        return lambda value, bounds: made(value, hint, bounds)
    if field.enum_type is not None:
        return partial(_member, field, hint)
    return partial(plain, field)


def _each(
    field: FieldDescriptor, read: _Reader, values: Any, bounds: Bounds | None
) -> tuple[Any, ...]:
    if bounds is not None:
        checked_count(field, len(values), bounds)
    return tuple([read(value, bounds) for value in values])


def _texts(field: FieldDescriptor, values: Any, bounds: Bounds | None) -> tuple[str, ...]:
    """Looked at as one where all of them are short and plain: a beat may have a thousand."""
    texts = tuple(values)
    if bounds is None:
        return texts
    checked_count(field, len(texts), bounds)
    whole = "".join(texts)
    if len(whole) <= bounds.characters and whole.isprintable():
        return texts
    return tuple([plain(field, each, bounds) for each in texts])


def _integers(
    field: FieldDescriptor, _read: _Reader, values: Any, bounds: Bounds | None
) -> tuple[int, ...]:
    """As they are: samples are many, and of their kind already."""
    if bounds is not None:
        checked_count(field, len(values), bounds)
    return tuple(values)


def _map(field: FieldDescriptor, values: Any, bounds: Bounds | None) -> dict[Any, Any]:
    if bounds is not None:
        checked_count(field, len(values), bounds)
    return {plain(field, key, bounds): plain(field, each, bounds) for key, each in values.items()}


def _member(
    field: FieldDescriptor, enum_type: type[Enum], number: int, _bounds: Bounds | None
) -> Enum:
    assert field.enum_type is not None
    found = members_of(enum_type, field.enum_type).get(number)
    if found is None:
        raise unknown_member(number, enum_type, field.enum_type)
    return found
