"""Which cores of a device, as people write them: big, little, all or 0,4-7."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode

MAX_CORES: Final = 8_192
"""The most that a Linux kernel can be built for; cores are numbered below it."""

_SPAN: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


class CoreChoice(Enum):
    """Which cores of a device compute: by what they are, or listed by their numbers."""

    ALL = "all"
    BIG = "big"
    LITTLE = "little"
    LISTED = "listed"


@dataclass(frozen=True, kw_only=True)
class Cores:
    """The cores that are to compute.

    Attributes:
        choice: by what they are chosen.
        cpus: numbers of those that are listed, ascending; else empty.
    """

    choice: CoreChoice = CoreChoice.ALL
    cpus: tuple[int, ...] = ()


_WORDS: Final = {
    choice.value: Cores(choice=choice) for choice in CoreChoice if choice is not CoreChoice.LISTED
}


def parse_cores(text: str) -> Cores:
    """A choice by its name, all for nothing, or the numbers of "0,4-7".

    Raises:
        EdgerankError: INVALID_INPUT for what is neither.
    """
    word = text.strip() or CoreChoice.ALL.value
    if word in _WORDS:
        return _WORDS[word]
    numbers: set[int] = set()
    for part in word.split(","):
        span = _SPAN.fullmatch(part.strip())
        first, last = (int(span[1]), int(span[2] or span[1])) if span else (1, 0)
        if not first <= last < MAX_CORES:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{text!r} names no cores; write big, little, all, or numbers as 0,4-7",
            )
        numbers.update(range(first, last + 1))
    return Cores(choice=CoreChoice.LISTED, cpus=tuple(sorted(numbers)))


def check_cores(cores: Cores) -> None:
    """Refuses numbers that no device can have, or that do not fit the choice.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    is_listed = cores.choice is CoreChoice.LISTED
    are_ascending = list(cores.cpus) == sorted(set(cores.cpus))
    if (
        is_listed != bool(cores.cpus)
        or not are_ascending
        or max(cores.cpus, default=0) >= MAX_CORES
    ):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"listed cores are different numbers below {MAX_CORES}, ascending, and no other choice "
            "has any",
        )


def format_cores(cores: Iterable[int]) -> str:
    """Write the numbers of cores, neighbours as a span: 0,4-7."""
    spans: list[tuple[int, int]] = []
    for core in sorted(set(cores)):
        if spans and spans[-1][1] == core - 1:
            spans[-1] = (spans[-1][0], core)
        else:
            spans.append((core, core))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
