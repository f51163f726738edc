"""The controller's clock, passed in to whoever asks what time it is, so that tests can own it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, in milliseconds."""

    def unix_ms(self) -> int:
        """Since 1970, as this machine has it: for what people read, and for what is newer."""

    def monotonic_ms(self) -> int:
        """Since some moment in the past, never going back: for how long something takes."""


class SystemClock:
    """This machine's own."""

    def unix_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Milliseconds that never go back."""
        return time.monotonic_ns() // 1_000_000
