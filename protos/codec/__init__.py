"""Turns frozen dataclasses into messages of the contract and back, by field names.

A dataclass stands for a message when its fields have the message's field names; an enum stands for
a proto enum when its class and member names are the proto's (`StopReason.PRECISE` is
`STOP_REASON_PRECISE`). An absent `optional` field takes the dataclass's default, which is None.
"""

import sys
from collections.abc import Iterator
from typing import Final, TypeVar

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from protos.codec.bounds import Bounds, checked_count, checked_length
from protos.codec.reading import made
from protos.codec.writing import UNFIT, message_of, misfit_words
from protos.names import printable

__all__ = [
    "ASKED",
    "UNFIT",
    "Bounds",
    "MessageInvalid",
    "from_answer",
    "from_message",
    "from_request",
    "misfit_words",
    "refuse_unknown",
    "to_message",
]

MessageT = TypeVar("MessageT", bound=Message)
DomainT = TypeVar("DomainT")


class MessageInvalid(ValueError):
    """A message and its domain object do not fit each other."""


ASKED: Final = Bounds(items=20_000, numbers=1_000_000, characters=20_000)
"""What a person or a program may ask for at once: every device of a large fleet, by name."""
_FEWEST_BYTES_OF_MORE: Final = min(ASKED.items, ASKED.numbers, ASKED.characters)
_ANY_ANSWER: Final = Bounds(items=sys.maxsize, numbers=sys.maxsize, characters=sys.maxsize)


def to_message(domain: object, message_type: type[MessageT]) -> MessageT:
    """The message with the fields of the dataclass `domain`.

    Raises:
        MessageInvalid: a figure is not a number, is infinite, or does not fit its field.
    """
    try:
        return message_of(domain, message_type)
    except ValueError as error:
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
        return made(message, domain_type, bounds)
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
    if not _may_have_unknown(message):
        return
    for name, number in _unknown(message):
        raise MessageInvalid(
            f"field {number} of a {name} message is not known here: update edgerank on this side, "
            "or do not ask for what is new"
        )


def _refuse_more(message: Message) -> None:
    # Each entry and each character takes a byte at least.
    if message.ByteSize() <= _FEWEST_BYTES_OF_MORE:
        return
    try:
        _check_all(message)
    except ValueError as error:
        raise MessageInvalid(str(error)) from error


def _check_all(message: Message) -> None:
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        checked_count(field, len(values), ASKED)
        for each in values:
            if isinstance(each, Message):
                _check_all(each)
            elif isinstance(each, str):
                checked_length(field, each, ASKED)


def _may_have_unknown(message: Message) -> bool:
    """Told by its size: looking into each message in it takes as long as reading all of it."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known.ByteSize() != message.ByteSize()


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
