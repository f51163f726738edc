"""Makes frozen dataclasses of messages: how is found once for each type, as messages are many."""

from collections.abc import Callable, Mapping
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
class _Plan:
    """How a message is read: what it says, and what follows from what it does not say.

    Attributes:
        unsaid: what fields without presence have where nothing is said of them.
        asked: those of them that are read in any case, with how; nothing is no member of an enum.
        said: how a field is read that says something, by its number.
        needed: fields with presence that have to be there; others take the dataclass's default.
    """

    unsaid: Mapping[str, Any]
    asked: tuple[tuple[str, _Reader], ...]
    said: Mapping[int, tuple[str, _Reader]]
    needed: frozenset[str]


def made(message: Message, domain_type: type[DomainT], bounds: Bounds | None) -> DomainT:
    """The dataclass with the fields of a message.

    Raises:
        KeyError: a field that the dataclass needs is absent.
        TypeError, ValueError: a value is none that the dataclass can have, or beyond the bounds.
    """
    of_type: Any = domain_type
    plan = _plan(message.DESCRIPTOR, of_type)
    given = dict(plan.unsaid)
    for name, read in plan.asked:
        given[name] = read(getattr(message, name), bounds)
    for field, value in message.ListFields():
        known = plan.said.get(field.number)
        if known is not None:
            name, read = known
            given[name] = read(value, bounds)
    for name in plan.needed:
        if name not in given:
            raise KeyError(name)
    return domain_type(**given)


@cache
def _plan(message_type: Descriptor, domain_type: Any) -> _Plan:
    known, hints = message_type.fields_by_name, get_type_hints(domain_type)
    here = [each for each in fields(domain_type) if each.name in known]
    readers = {
        each.name: _reader(known[each.name], _without_none(hints[each.name])) for each in here
    }
    asked = {name for name in readers if _is_asked(known[name])}
    return _Plan(
        unsaid={
            name: _unsaid(known[name])
            for name in readers
            if not known[name].has_presence and name not in asked
        },
        asked=tuple((name, readers[name]) for name in readers if name in asked),
        said={
            known[name].number: (name, read) for name, read in readers.items() if name not in asked
        },
        needed=frozenset(
            each.name
            for each in here
            if known[each.name].has_presence
            and each.default is MISSING
            and each.default_factory is MISSING
        ),
    )


def _is_asked(field: FieldDescriptor) -> bool:
    """Whether nothing said of a field is no value of it, or one that nobody may share."""
    if field.is_repeated:
        return is_map(field)
    return field.enum_type is not None and not field.has_presence


def _unsaid(field: FieldDescriptor) -> Any:
    return () if field.is_repeated else field.default_value


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
