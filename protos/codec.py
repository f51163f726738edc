"""Turns frozen dataclasses into messages of the contract and back, by field names.

A dataclass stands for a message when its fields have the message's field names; an enum stands for
a proto enum when its class and member names are the proto's (`StopReason.PRECISE` is
`STOP_REASON_PRECISE`). An absent `optional` field takes the dataclass's default, which is None.
"""

import base64
import re
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from cattrs import Converter
from google.protobuf import json_format
from google.protobuf.message import Message

MessageT = TypeVar("MessageT", bound=Message)
DomainT = TypeVar("DomainT")


class MessageInvalid(ValueError):
    """A message and its domain object do not fit each other."""


def to_message(domain: object, message_type: type[MessageT]) -> MessageT:
    """The message with the fields of the dataclass `domain`.

    Raises:
        MessageInvalid: a figure is not a number, is infinite, or does not fit its field.
    """
    document = _converter().unstructure(domain)
    try:
        return json_format.ParseDict(document, message_type())
    except json_format.ParseError as error:
        raise MessageInvalid(
            f"a {message_type.DESCRIPTOR.name} message cannot be sent: {error}"
        ) from error


def from_message(message: Message, domain_type: type[DomainT]) -> DomainT:
    """The dataclass with the fields of `message`.

    Raises:
        MessageInvalid: a field that the dataclass needs is missing, or an enum is unspecified or
            not known.
    """
    document = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    try:
        return _converter().structure(document, domain_type)
    except (TypeError, ValueError, KeyError) as error:
        raise MessageInvalid(
            f"a {message.DESCRIPTOR.name} message does not make sense: {error}; "
            "use the same edgerank version on both sides"
        ) from error


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook_func(_is_enum, _wire_name)
    converter.register_structure_hook_func(_is_enum, _member)
    # As the JSON form of messages has them.
    converter.register_unstructure_hook(bytes, lambda content: base64.b64encode(content).decode())
    converter.register_structure_hook(bytes, lambda text, _type: base64.b64decode(text))
    return converter


def _is_enum(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Enum)


def _prefix(enum_type: type[Enum]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", enum_type.__name__).upper() + "_"


def _wire_name(value: Enum) -> str:
    return _prefix(type(value)) + value.name


def _member(name: str | int, enum_type: type[Enum]) -> Enum:
    if isinstance(name, int):  # As the JSON form has a number that this version does not know.
        raise ValueError(f"{enum_type.__name__} {name} is not known")
    return enum_type[name.removeprefix(_prefix(enum_type))]
