"""The device's clock, for what is told to people; measuring has clocks that never go back."""

import time


def now_unix_ms() -> int:
    """Milliseconds since 1970, which the device may have wrong."""
    return time.time_ns() // 1_000_000
