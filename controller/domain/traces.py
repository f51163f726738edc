"""A profiler's trace as it is kept: Chrome's JSON format, gzip-compressed, within limits."""

import json
import zlib
from typing import Any

MAX_PACKED_BYTES = 8 * 1024**2
MAX_BYTES = 16 * 1024**2
# What zlib calls a gzip header and the largest window.
_GZIP = 31


class TraceDoubtful(ValueError):
    """It is not such a trace; the message says what it is or lacks."""


def unpack_trace(packed: bytes) -> bytes:
    """The trace's JSON text, which Perfetto opens.

    Raises:
        TraceDoubtful: it is too large, no gzip, cut off, or no list of complete events.
    """
    if len(packed) > MAX_PACKED_BYTES:
        raise TraceDoubtful(f"a trace of {len(packed)} bytes")
    # Some bytes can unpack to gigabytes.
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(packed, MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise TraceDoubtful(f"a trace that unpacks to more than {MAX_BYTES} bytes")
        if not unpacking.eof or unpacking.unused_data:
            raise TraceDoubtful("a trace that is not one whole gzip file")
        events = json.loads(text, parse_constant=_refuse)
    except (zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, TraceDoubtful):
            raise
        raise TraceDoubtful("a trace that is no gzip-compressed JSON") from error
    if not isinstance(events, list) or not events or not all(map(_is_event, events)):
        raise TraceDoubtful("a trace that is no list of complete events")
    return text


def _is_event(event: Any) -> bool:
    """Whether it has a name, a place and a time, as complete events have ("X")."""
    if not isinstance(event, dict) or event.get("ph") != "X":
        return False
    numbers = [event.get(key) for key in ("ts", "dur", "pid", "tid")]
    return isinstance(event.get("name"), str) and all(
        isinstance(number, int) and number >= 0 for number in numbers
    )


def _refuse(constant: str) -> None:
    """NaN and its like, which Python reads and JSON does not have."""
    raise TraceDoubtful(f"a trace with {constant}")
