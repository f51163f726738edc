"""Which cores of a device, as people write them: big, little, all or 0,4-7."""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode

MAX_CORES: Final = 8_192
"""The most that a Linux kernel can be built for; cores are numbered below it."""

_SPAN: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


class CoreClass(Enum):
    """Cores of a device by what they are and not by their numbers."""

    ALL = "all"
    BIG = "big"
    LITTLE = "little"


def parse_cores(text: str) -> CoreClass | tuple[int, ...]:
    """A class by its name, ALL for nothing, or the numbers of "0,4-7", ascending.

    Raises:
        EdgerankError: INVALID_INPUT for what is neither.
    """
    word = text.strip() or CoreClass.ALL.value
    if word in {known.value for known in CoreClass}:
        return CoreClass(word)
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
    return tuple(sorted(numbers))


def format_cores(cores: Iterable[int]) -> str:
    """Write the numbers of cores, neighbours as a span: 0,4-7."""
    spans: list[tuple[int, int]] = []
    for core in sorted(set(cores)):
        if spans and spans[-1][1] == core - 1:
            spans[-1] = (spans[-1][0], core)
        else:
            spans.append((core, core))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
