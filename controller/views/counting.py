"""How things are counted in words, and moments told."""

from collections.abc import Sequence
from datetime import datetime, timezone


def counted(count: int, word: str, plural: str = "") -> str:
    """Count things: 1 thread, 2 threads, 2 entries; `plural` where it is not the word with an s."""
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"


def first_of(names: Sequence[str], most: int | None, separator: str = ", ") -> str:
    """List so many names, and how many more there are: a, b and 3 more; `most` None is all."""
    more = len(names) - len(names[:most])
    return separator.join(names[:most]) + (f" and {more} more" if more else "")


def day(unix_ms: int) -> str:
    """Write a day, UTC: 2026-11-26."""
    return _written(unix_ms, "%Y-%m-%d")


def minute(unix_ms: int) -> str:
    """Write a minute, UTC: 2026-11-26 07:30."""
    return _written(unix_ms, "%Y-%m-%d %H:%M")


def _written(unix_ms: int, pattern: str) -> str:
    """Write a moment; one that no calendar has, as a clock that is wrong tells, as it is."""
    try:
        return datetime.fromtimestamp(unix_ms / 1000, tz=timezone.utc).strftime(pattern)
    except (OverflowError, OSError, ValueError):
        return f"{unix_ms} ms after 1970"
