"""Messages that repeat are told once, and counted until their time is over."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass
class _Window:
    ends_at_ms: int
    repeats: int = 0


@dataclass(frozen=True)
class Folded(Generic[KeyT]):
    """What was not told.

    Attributes:
        key: of messages that are alike; None stands for all that had no place of their own.
        repeats: how many of them came, at least 1.
    """

    key: KeyT | None
    repeats: int


class Folding(Generic[KeyT]):
    """Tells the first of messages that are alike, and after each window how many more there were.

    However many kinds of messages there are, it remembers `most` of them.
    """

    def __init__(self, window_ms: int, most: int) -> None:
        self._window_ms = window_ms
        self._most = most
        self._windows: dict[KeyT, _Window] = {}
        self._others = 0

    def is_told(self, key: KeyT, now_ms: int) -> bool:
        """Whether a message is told now; else it is counted."""
        window = self._windows.get(key)
        if window is not None:
            window.repeats += 1
            return False
        if len(self._windows) >= self._most:
            self._others += 1
            return False
        self._windows[key] = _Window(now_ms + self._window_ms)
        return True

    def ended(self, now_ms: int) -> list[Folded[KeyT]]:
        """What came since it was told last, of the windows that have ended by now.

        What goes on coming has another window at once, so that it is told once a window.
        """
        over = {key: each for key, each in self._windows.items() if each.ends_at_ms <= now_ms}
        folded: list[Folded[KeyT]] = []
        for key, window in over.items():
            if window.repeats:
                folded.append(Folded(key, window.repeats))
                self._windows[key] = _Window(now_ms + self._window_ms)
            else:
                del self._windows[key]
        # Places are free again.
        return [*folded, *self._without_place()] if over else folded

    def rest(self) -> list[Folded[KeyT]]:
        """What was counted and not told yet; nothing is remembered any more."""
        folded = [Folded(key, each.repeats) for key, each in self._windows.items() if each.repeats]
        self._windows.clear()
        return [*folded, *self._without_place()]

    def _without_place(self) -> list[Folded[KeyT]]:
        others, self._others = self._others, 0
        return [Folded(None, others)] if others else []
