"""How things are spelt, and how one of a few is found by its name."""

import re
from enum import Enum
from typing import TypeVar

from controller.domain.errors import EdgerankError, ErrorCode

ChoiceT = TypeVar("ChoiceT", bound=Enum)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_name(text: str) -> bool:
    """Whether a device, a label or a model may be called so."""
    return _NAME.fullmatch(text) is not None


def find_choice(choices: type[ChoiceT], kind: str, name: str) -> ChoiceT:
    """The one of exactly this name.

    Raises:
        EdgerankError: UNKNOWN_NAME, with all names.
    """
    try:
        return choices(name)
    except ValueError as error:
        known = ", ".join(choice.value for choice in choices)
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no {kind} is named {name!r}; there are {known}"
        ) from error
