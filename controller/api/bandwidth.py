"""How fast artifacts are pushed: to one device, and to all of them together."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from controller.api.pacing import Rates
from controller.fleet.clock import Clock

# What a stream that was waited for too long, as timers do, makes up for.
_SAVED_S: Final = 0.25
_ALL: Final = object()


@dataclass(frozen=True, kw_only=True)
class PushLimits:
    """How many bytes of artifacts leave a controller in a second; None is as many as can.

    Attributes:
        in_all_bytes_per_s: to all devices.
        a_device_bytes_per_s: to one, all that it fetches together.
    """

    in_all_bytes_per_s: float | None = None
    a_device_bytes_per_s: float | None = None


UNLIMITED: Final = PushLimits()


class Bandwidth:
    """Shares what may be pushed: who asked first is next, a chunk each."""

    def __init__(self, limits: PushLimits, clock: Clock) -> None:
        self._in_all = _rates(limits.in_all_bytes_per_s)
        self._a_device = _rates(limits.a_device_bytes_per_s)
        self._clock = clock
        self.is_limited = limits != UNLIMITED
        """Whether anything is."""

    async def wait_for_turn(self, who: Hashable, size_bytes: int) -> None:
        """Waits until so many bytes may go to a device."""
        wait_s = self.wait_s(who, size_bytes)
        if wait_s:
            await asyncio.sleep(wait_s)

    def wait_s(self, who: Hashable, size_bytes: int) -> float:
        """For how long so many bytes to a device, which go then, have to wait, s."""
        now_ms = self._clock.monotonic_ms()
        shared = ((self._in_all, _ALL), (self._a_device, who))
        return max(
            (each.wait_s(whose, now_ms, size_bytes) for each, whose in shared if each is not None),
            default=0.0,
        )


def _rates(bytes_per_s: float | None) -> Rates | None:
    if bytes_per_s is None:
        return None
    return Rates(per_s=bytes_per_s, saved=bytes_per_s * _SAVED_S)
