"""How much a message of a stranger may hold."""

import math
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from protos.codec.spelling import is_number
from protos.names import printable


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


def checked_count(field: FieldDescriptor, count: int, bounds: Bounds) -> None:
    """Refuses more values than may be.

    Raises:
        ValueError: there are more.
    """
    most = bounds.numbers if is_number(field) else bounds.items
    if count > most:
        raise ValueError(f"{field.name} has {count} entries, at most {most} may be")


def checked_length(field: FieldDescriptor, text: str, bounds: Bounds) -> None:
    """Refuses a text that is longer than may be.

    Raises:
        ValueError: it is longer.
    """
    if len(text) > bounds.characters:
        raise ValueError(
            f"{field.name} has {len(text)} characters, at most {bounds.characters} may be"
        )


def plain(field: FieldDescriptor, value: Any, bounds: Bounds | None) -> Any:
    """A value that is kept as it is; a stranger's text within its bounds, and made printable.

    Raises:
        ValueError: a number that is no figure, or a text that is too long.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{field.name} is {value}, which is no figure")
        return value
    if bounds is None or not isinstance(value, str):
        return value
    checked_length(field, value, bounds)
    return printable(value)
