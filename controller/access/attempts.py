"""How often joining failed lately, by address and in all: who guesses tokens is not listened to."""

from collections import Counter, deque
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode

WINDOW_MS: Final = 60_000
# However many addresses somebody has.
_MOST_REMEMBERED: Final = 10_000


class FailedAttempts:
    """The failed attempts of the last minute."""

    def __init__(self, *, an_address: int, in_all: int) -> None:
        """`an_address` may fail so often in a minute, and all together `in_all` times."""
        self._an_address = an_address
        self._in_all = in_all
        self._failed: deque[tuple[int, str]] = deque()
        self._by_address: Counter[str] = Counter()

    def check(self, address: str, now_ms: int) -> None:
        """Refuses an attempt that comes from where too many failed.

        Where all together failed too often, only who failed as well is refused: an honest device's
        first attempt is heard whatever others do.

        Args:
            address: where it comes from.
            now_ms: the time, ms, never going back.

        Raises:
            EdgerankError: LIMIT.
        """
        self._forget_before(now_ms - WINDOW_MS)
        own = self._by_address[address]
        if own >= self._an_address or (own and len(self._failed) >= self._in_all):
            raise EdgerankError(
                ErrorCode.LIMIT,
                f"joining failed {own} times from this address within a minute, and is not tried "
                "again before that is over; check the token, then start the agent again",
            )

    def failed(self, address: str, now_ms: int) -> None:
        """Remembers an attempt that failed."""
        if len(self._failed) >= _MOST_REMEMBERED:
            self._forget_oldest()
        self._failed.append((now_ms, address))
        self._by_address[address] += 1

    def _forget_before(self, start_ms: int) -> None:
        while self._failed and self._failed[0][0] <= start_ms:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _at_ms, address = self._failed.popleft()
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
