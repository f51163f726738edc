"""Fills messages from frozen dataclasses: how is found once for each type, as messages are many."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from protos.codec.spelling import figure, is_fraction, is_map, numbers_of

_Writer: TypeAlias = Callable[[Message, Any], None]


def fill(message: Message, domain: object) -> None:
    """Puts the fields of a dataclass into an empty message; what is None stays absent.

    Raises:
        TypeError, ValueError: a value does not fit its field.
    """
    domain_type: Any = type(domain)
    for value_of, write in _writers(domain_type, message.DESCRIPTOR):
        value = value_of(domain)
        if value is not None:
            write(message, value)


@cache
def _writers(
    domain_type: Any, message_type: Descriptor
) -> tuple[tuple[Callable[[Any], Any], _Writer], ...]:
    known = message_type.fields_by_name
    lacking = [each.name for each in fields(domain_type) if each.name not in known]
    if lacking:
        raise ValueError(f"{message_type.name} has no field {lacking[0]!r}")
    return tuple((attrgetter(each.name), _writer(known[each.name])) for each in fields(domain_type))


def _writer(field: FieldDescriptor) -> _Writer:
    if is_map(field):
        return partial(_put_map, field)
    if field.message_type is not None:
        return partial(_put_messages if field.is_repeated else _put_message, field.name)
    if field.enum_type is not None:
        return partial(_put_members if field.is_repeated else _put_member, field)
    if field.is_repeated:
        return partial(_put_figures if is_fraction(field) else _put_several, field.name)
    return partial(_put_figure if is_fraction(field) else _put, field.name)


def _put(name: str, message: Message, value: Any) -> None:
    setattr(message, name, value)


def _put_figure(name: str, message: Message, value: float) -> None:
    setattr(message, name, figure(value))


def _put_several(name: str, message: Message, values: Any) -> None:
    getattr(message, name).extend(values)


def _put_figures(name: str, message: Message, values: Any) -> None:
    getattr(message, name).extend(map(figure, values))


def _put_message(name: str, message: Message, value: object) -> None:
    inner = getattr(message, name)
    # One whose fields all say nothing is there all the same.
    inner.SetInParent()
    fill(inner, value)


def _put_messages(name: str, message: Message, values: Any) -> None:
    add = getattr(message, name).add
    for value in values:
        fill(add(), value)


def _put_map(field: FieldDescriptor, message: Message, values: Mapping[Any, Any]) -> None:
    assert field.message_type is not None
    is_figure = is_fraction(field.message_type.fields_by_name["value"])
    put = getattr(message, field.name)
    for key, value in values.items():
        put[key] = figure(value) if is_figure else value


def _put_member(field: FieldDescriptor, message: Message, value: Enum) -> None:
    setattr(message, field.name, _number(field, value))


def _put_members(field: FieldDescriptor, message: Message, values: Any) -> None:
    getattr(message, field.name).extend([_number(field, value) for value in values])


def _number(field: FieldDescriptor, member: Enum) -> int:
    assert field.enum_type is not None
    found = numbers_of(type(member), field.enum_type).get(member)
    if found is None:
        raise ValueError(f"{member} is no member of {field.enum_type.name}")
    return found
