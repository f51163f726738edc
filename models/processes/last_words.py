"""What a child that ended said last, and which of it says most."""

from __future__ import annotations

import os
import re
from typing import IO

from models.gist import gist

_STDERR_TAIL_BYTES = 16 * 1024
# What crash handlers print around the message: frames, rulers, times, headings.
_CRASH_FRAME = re.compile(
    r"^(\d+ |@ |-{3,}|={3,}|\[TimeInfo|\[SignalInfo|C\+\+ Traceback|Traceback \(most|  )"
)
_TELLING = re.compile(r"error|fail|check|cannot|can't|not |refus|abort|denied|unable|bad_", re.I)


def tail_of(stderr: IO[bytes]) -> str:
    """Return the end of what was written there."""
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
    return stderr.read().decode(errors="replace").strip()


def last_words(said: str) -> str:
    """Return the line that says most, as an ending of a sentence."""
    lines = said.splitlines()
    words = [line.strip() for line in lines if line.strip() and not _CRASH_FRAME.match(line)]
    if not words:
        return ", saying nothing"
    telling = [line for line in words if _TELLING.search(line)] or words
    return f", its last words: {gist(telling[-1])}"
