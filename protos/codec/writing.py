"""Makes messages of frozen dataclasses: how is found once for each type, as messages are many.

A message is made by one call of all that it holds: one call for each of its fields takes longer
than everything else together.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from protos.codec.spelling import figure, is_fraction, is_map, numbers_of
from protos.names import brief

# Thousands of measurements are told the same, in a dozen messages inside each other.
_TOLD_ALIKE: Final = frozenset({"MeasureSettings", "ImageSize"})
_SHARED_AT_MOST: Final = 256
_LONGEST_WHY: Final = 100

UNFIT: Final = (OverflowError, TypeError, ValueError)
"""What is raised where a value does not fit its field."""

MessageT = TypeVar("MessageT", bound=Message)
_Contents: TypeAlias = dict[str, Any]
_Told: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a dataclass becomes a message.

    Attributes:
        values_of: gives all of its fields.
        fields: the name of each, and what the message is given of its value; None is the value.
        singular: names of those that say that there is something, whatever they hold.
    """

    values_of: Callable[[Any], tuple[Any, ...]]
    fields: tuple[tuple[str, _Told | None], ...]
    singular: frozenset[str]


def message_of(domain: object, message_type: type[MessageT]) -> MessageT:
    """The message with the fields of a dataclass; what is None stays absent.

    Raises:
        ValueError: a value does not fit its field, which is named.
    """
    try:
        return message_type(**_contents(domain, message_type.DESCRIPTOR))
    except UNFIT as error:
        place, value, why = _misfit(domain, message_type.DESCRIPTOR) or ("", domain, error)
        raise ValueError(misfit_words(place, value, why)) from error


def misfit_words(place: str, value: object, why: Exception) -> str:
    """Say which field a value does not fit."""
    return f"{place or 'it'} cannot be {brief(value)} ({str(why)[:_LONGEST_WHY]})"


def _misfit(domain: object, message_type: Any) -> tuple[str, object, Exception] | None:
    """The first field whose value does not fit, as constraints.max_latency_ms; None without one."""
    if not is_dataclass(domain):
        return None
    of_type: Any = type(domain)
    plan = _plan(of_type, message_type)
    for (name, told), value in zip(plan.fields, plan.values_of(domain), strict=True):
        if value is None:
            continue
        try:
            GetMessageClass(message_type)(**{name: value if told is None else told(value)})
        except UNFIT as error:
            inner = message_type.fields_by_name[name].message_type
            parts = value if isinstance(value, Iterable) else (value,)
            found = (_misfit(each, inner) for each in parts if inner is not None)
            within = next(filter(None, found), None)
            if within is None:
                return name, value, error
            return f"{name}.{within[0]}", *within[1:]
    return None


def _contents(domain: object, message_type: Any) -> _Contents:
    domain_type: Any = type(domain)
    plan = _plan(domain_type, message_type)
    return {
        name: value if told is None else told(value)
        for (name, told), value in zip(plan.fields, plan.values_of(domain), strict=True)
        if value is not None
    }


@cache
def _plan(domain_type: Any, message_type: Descriptor) -> _Plan:
    known = message_type.fields_by_name
    names = [each.name for each in fields(domain_type)]
    lacking = [name for name in names if name not in known]
    if lacking:
        raise ValueError(f"{message_type.name} has no field {lacking[0]!r}")
    return _Plan(
        values_of=_getter(names),
        fields=tuple((name, _teller(known[name])) for name in names),
        singular=frozenset(
            name
            for name in names
            if not known[name].is_repeated and known[name].message_type is None
        ),
    )


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda domain: tuple(getattr(domain, name) for name in names)


def _teller(field: FieldDescriptor) -> _Told | None:
    if is_map(field):
        return partial(_map, field)
    if field.message_type is not None:
        of_message = (
            _alike(field.message_type)
            if field.message_type.name in _TOLD_ALIKE
            else partial(_inner, message_type=field.message_type)
        )
        return partial(_each, of_message) if field.is_repeated else of_message
    if field.enum_type is not None:
        of_member = _numbers(field)
        return partial(_each, of_member) if field.is_repeated else of_member
    if is_fraction(field):
        return partial(_each, figure) if field.is_repeated else figure
    return None


def _each(told: _Told, values: Any) -> list[Any]:
    return [told(value) for value in values]


def _inner(domain: object, message_type: Descriptor) -> _Contents | Message:
    domain_type: Any = type(domain)
    found = _contents(domain, message_type)
    if _plan(domain_type, message_type).singular.isdisjoint(found):
        # One whose fields all say nothing is there all the same.
        return GetMessageClass(message_type)(**found)
    return found


def _alike(message_type: Descriptor) -> _Told:
    """The message of what many have alike, which is copied where it is told, and never changed."""
    made = lru_cache(maxsize=_SHARED_AT_MOST)(
        lambda domain: GetMessageClass(message_type)(**_contents(domain, message_type))
    )
    # By which object it is, which is held so long: asking for its hash takes as long as the rest.
    known: dict[int, tuple[Any, Message]] = {}

    def told(domain: Any) -> Message:
        found = known.get(id(domain))
        if found is None:
            if len(known) >= _SHARED_AT_MOST:
                known.clear()
            found = known[id(domain)] = domain, made(domain)
        return found[1]

    return told


def _map(field: FieldDescriptor, values: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    assert field.message_type is not None
    # Nothing is said of one that holds nothing, which takes a fifth of the time of all else.
    if not values or not is_fraction(field.message_type.fields_by_name["value"]):
        return values or None
    return {key: figure(value) for key, value in values.items()}


def _numbers(field: FieldDescriptor) -> _Told:
    # By which member it is, as these are there for good: their hash is made anew each time.
    known: dict[int, int] = {}

    def number(member: Enum) -> int:
        found = known.get(id(member))
        if found is None:
            found = known[id(member)] = _number(field, member)
        return found

    return number


def _number(field: FieldDescriptor, member: Enum) -> int:
    assert field.enum_type is not None
    found = numbers_of(type(member), field.enum_type).get(member)
    if found is None:
        raise ValueError(f"{member} is no member of {field.enum_type.name}")
    return found
