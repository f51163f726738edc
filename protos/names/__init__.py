"""How devices, labels and models may be spelt, the same on both sides of the wire."""

import re
import reprlib
from collections.abc import Mapping
from typing import Final

MAX_LABELS: Final = 64
MAX_LABEL_LENGTH: Final = 128

# Commas part names where devices are selected, and escapes would reach people's terminals.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EVERY_DEVICE: Final = "all"
"""What selects every device cannot name one."""


def printable(text: str) -> str:
    """A text without what moves a cursor, begins a line or turns the writing's direction.

    Each character that Python does not call printable (controls, escapes, line ends, marks of
    direction, NUL, surrogates) becomes a blank.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def brief(value: object) -> str:
    """A value as Python writes it, short: it may be what somebody gave in place of another."""
    try:
        return reprlib.repr(value)
    except ValueError:
        # Python writes no number of thousands of digits.
        return "a number of too many digits"


def is_name(text: str) -> bool:
    """Whether a device, a label or a model may be called so."""
    return _NAME.fullmatch(text) is not None


def is_device_name(text: str) -> bool:
    """Whether a device may be called so."""
    return is_name(text) and text != EVERY_DEVICE


def is_label(key: str, value: str) -> bool:
    """Whether a device may have this label, its value printable and of a limited length."""
    return is_name(key) and len(value) <= MAX_LABEL_LENGTH and value.isprintable()


def are_labels(labels: Mapping[str, str]) -> bool:
    """Whether a device may have all of these labels."""
    return len(labels) <= MAX_LABELS and all(is_label(*label) for label in labels.items())
