"""Keeps converting and measuring apart where both would run on the controller's own machine.

A conversion loads every core; a latency measured beside it would be a figure of the conversion.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from controller.fleet.clock import Clock

TURN_MS = 30_000
"""Whoever waited for so long is next, for as long: repetitions are seconds, a conversion mostly."""


async def _nothing() -> None:
    """Rest from nothing."""


class HostGate:
    """Either conversions or attempts run on this machine, never both; the longest wait is next.

    Conversions that were asked for let no attempt start, until something to measure has waited for
    a turn; then none of them begins until measuring has had as long, or nothing is left to measure.
    """

    def __init__(self, on_quiet: Callable[[], None], clock: Clock) -> None:
        """Calls `on_quiet` when attempts may start again."""
        self._on_quiet = on_quiet
        self._clock = clock
        self._attempts: set[str] = set()
        self._rests: dict[object, Callable[[], Awaitable[None]]] = {}
        self._working = 0
        self._measuring_waits_since_ms: int | None = None
        self._turn_ends_ms: int | None = None
        self._is_giving_turn = False
        self._changed = asyncio.Event()

    def may_measure(self) -> bool:
        """Whether an attempt may start on this machine now."""
        return not self._rests or self._turn_left_ms() > 0

    def measuring_waits(self) -> None:
        """There is something to measure here, and it may not start."""
        if self._measuring_waits_since_ms is None:
            self._measuring_waits_since_ms = self._clock.monotonic_ms()

    def nothing_to_measure(self) -> None:
        """There is nothing to measure here, so that nobody waits for a turn's end."""
        if self._attempts:
            return
        self._measuring_waits_since_ms = self._turn_ends_ms = None
        self._tell_change()

    def attempt_started(self, attempt_id: str) -> None:
        """An attempt was leased to an agent on this machine."""
        self._measuring_waits_since_ms = None
        self._attempts.add(attempt_id)

    async def attempt_ended(self, attempt_id: str) -> None:
        """An attempt ended, wherever it ran."""
        self._attempts.discard(attempt_id)
        self._tell_change()

    @asynccontextmanager
    async def converting(
        self, rest: Callable[[], Awaitable[None]] = _nothing
    ) -> AsyncIterator[None]:
        """Lets no attempt start until the block ends, but by turns.

        Args:
            rest: ends what is kept between conversions, before measuring has its turn.
        """
        asker = object()
        self._rests[asker] = rest
        try:
            yield
        finally:
            del self._rests[asker]
            if not self._rests:
                self._on_quiet()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Inside `converting`, around what computes: waits until no attempt runs here."""
        while not self._may_work():
            if self._working == 0 and self._is_measurings_turn():
                await self._give_turn()
            else:
                await self._await_change()
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._tell_change()

    def _may_work(self) -> bool:
        return not (
            self._attempts
            or self._is_giving_turn
            or self._is_measurings_turn()
            or self._turn_left_ms() > 0
        )

    def _is_measurings_turn(self) -> bool:
        since_ms = self._measuring_waits_since_ms
        return since_ms is not None and self._clock.monotonic_ms() - since_ms >= TURN_MS

    def _turn_left_ms(self) -> int:
        if self._turn_ends_ms is None:
            return 0
        return max(0, self._turn_ends_ms - self._clock.monotonic_ms())

    async def _give_turn(self) -> None:
        self._measuring_waits_since_ms, self._is_giving_turn = None, True
        try:
            await asyncio.gather(*(rest() for rest in self._rests.values()))
        finally:
            self._is_giving_turn = False
            self._turn_ends_ms = self._clock.monotonic_ms() + TURN_MS
        self._on_quiet()

    async def _await_change(self) -> None:
        # An agent that is gone takes no turn and tells nothing, so that its end is waited for, too.
        left_s = self._turn_left_ms() / 1_000 or None
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._changed.wait(), left_s)

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
