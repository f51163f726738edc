"""Quantities as people write them, with units, and as they read them."""

import math
from collections.abc import Mapping
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from protos.names.quantities import BYTES_PER_UNIT, QuantityUnreadable, read_quantity

_MS_PER_UNIT: Final[Mapping[str, float]] = {
    "s": 1e3,
    "ms": 1.0,
    "us": 1e-3,
    "\N{GREEK SMALL LETTER MU}s": 1e-3,
    "\N{MICRO SIGN}s": 1e-3,
    "ns": 1e-6,
}
_BYTES_PER_S_PER_UNIT: Final[Mapping[str, float]] = {
    **{f"{unit}/s": size for unit, size in BYTES_PER_UNIT.items()},
    **{"kbit/s": 125, "Mbit/s": 125_000, "Gbit/s": 125_000_000},
}
_MS_PER_LONG_UNIT: Final[Mapping[str, float]] = {"s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}
_CELSIUS_PER_UNIT: Final[Mapping[str, float]] = {"C": 1.0}
_LATENCY_EXAMPLES: Final = "20ms, 0.02s or 950us"
_LIFETIME_EXAMPLES: Final = "30m, 24h or 7d"
_TIME_EXAMPLES: Final = "20m, 90s or 1.5h"
_MEMORY_EXAMPLES: Final = "80MB, 80MiB or 1.5GB"
_TEMPERATURE_EXAMPLES: Final = "45C or 52.5C"
_RATE_EXAMPLES: Final = "20MB/s, 500kB/s or 100Mbit/s"


class QuantityInvalid(EdgerankError):
    """A text is no quantity of the wanted kind; the message shows how to write one."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_INPUT, message)


def parse_latency_ms(text: str) -> float:
    """Read a latency such as 20ms, 0.02s or 950us, in ms.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return _parse(text, "a latency", _MS_PER_UNIT, _LATENCY_EXAMPLES)


def parse_lifetime_ms(text: str) -> int:
    """Read how long something lives, such as 30m, 24h or 7d, in ms.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return max(1, round(_parse(text, "a lifetime", _MS_PER_LONG_UNIT, _LIFETIME_EXAMPLES)))


def parse_fps(text: str) -> float:
    """Read a frame rate such as 30fps, in frames a second.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return _parse(text, "a frame rate", {"fps": 1.0}, "30fps or 7.5fps")


def parse_time_ms(text: str) -> int:
    """Read a time that people wait for, such as 20m, 90s or 1.5h, in ms.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return max(1, round(_parse(text, "a time", _MS_PER_LONG_UNIT, _TIME_EXAMPLES)))


def parse_memory_bytes(text: str) -> int:
    """Read an amount of memory such as 80MB (10^6 bytes), 80MiB (2^20 bytes) or 1.5GB, in bytes.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or less than a byte.
    """
    return max(1, round(_parse(text, "a memory size", BYTES_PER_UNIT, _MEMORY_EXAMPLES)))


def parse_bytes_per_s(text: str) -> float:
    """Read a rate such as 20MB/s (10^6 bytes a second), 500kB/s or 100Mbit/s, in bytes a second.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return _parse(text, "a rate", _BYTES_PER_S_PER_UNIT, _RATE_EXAMPLES)


def parse_celsius(text: str) -> float:
    """Read a temperature such as 45C, in degrees Celsius.

    Raises:
        QuantityInvalid: no number, no unit, a unit of something else, or not above 0.
    """
    return _parse(text, "a temperature", _CELSIUS_PER_UNIT, _TEMPERATURE_EXAMPLES)


def format_latency(latency_ms: float) -> str:
    """Write a latency for people, with three significant digits: 0.512 ms, 4.31 ms, 1,240 ms."""
    return f"{format_number(latency_ms)} ms"


def format_interval(low_ms: float, high_ms: float) -> str:
    """Write the bounds of an interval in ms, without the unit: [4.28, 4.35]."""
    return f"[{format_number(low_ms)}, {format_number(high_ms)}]"


def format_memory(memory_bytes: int) -> str:
    """Write an amount of memory for people, in decimal units: 512 B, 81.2 MB, 1.50 GB."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        # 999.6 MB would round to a four-digit 1,000 MB.
        if memory_bytes >= size * 0.9995:
            return f"{format_number(memory_bytes / size)} {unit}"
    return f"{memory_bytes} B"


def format_number(number: float) -> str:
    """Write a number with three significant digits, all whole digits kept: 0.0512, 4.31, 1,240."""
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    magnitude = math.floor(math.log10(abs(float(f"{number:.2e}"))))
    return f"{number:,.{max(0, 2 - magnitude)}f}"


def _parse(text: str, kind: str, units: Mapping[str, float], examples: str) -> float:
    try:
        return read_quantity(text, kind, units, examples)
    except QuantityUnreadable as error:
        raise QuantityInvalid(str(error)) from error
