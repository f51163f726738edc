"""What a child's stderr says of its end, in a few words."""

import os
import re
from typing import IO

_TAIL_BYTES = 16 * 1024
_LENGTH = 300
# What crash handlers print around the message: frames, rulers, times, headings.
_CRASH_FRAME = re.compile(
    r"^(\d+ |@ |-{3,}|={3,}|\[TimeInfo|\[SignalInfo|C\+\+ Traceback|Traceback \(most|  )"
)
_TELLING = re.compile(r"error|fail|check|cannot|can't|not |refus|abort|denied|unable|bad_", re.I)
# As the C++ library, the C library, Python, ONNX Runtime and Paddle Lite say it.
_OUT_OF_MEMORY = re.compile(
    r"bad_alloc|cannot allocate memory|out of memory|MemoryError|failed to allocate memory"
    r"|no enough for mallocing",
    re.I,
)


def tells_of_no_memory(text: str) -> bool:
    """Whether a library's message says that an allocation failed."""
    return bool(_OUT_OF_MEMORY.search(text))


def last_words_of(text: str) -> str:
    """What a child's words say of its end: "its last words: no such file"."""
    lines = text.splitlines()
    words = [line.strip() for line in lines if line.strip() and not _CRASH_FRAME.match(line)]
    if not words:
        return "saying nothing"
    telling = [line for line in words if _TELLING.search(line)] or words
    return f"its last words: {telling[-1][:_LENGTH]}"


class LastWords:
    """The end of a child's stderr."""

    def __init__(self, stderr: IO[bytes]) -> None:
        size = stderr.seek(0, os.SEEK_END)
        stderr.seek(max(0, size - _TAIL_BYTES))
        self._text = stderr.read().decode(errors="replace")

    @property
    def tell_of_no_memory(self) -> bool:
        """Whether an allocation failed."""
        return tells_of_no_memory(self._text)

    def __str__(self) -> str:
        return last_words_of(self._text)
