"""Processes that a busy machine kept from its cores, which no fault did and no agent can help."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_OF_A_SECOND = 1e9


def waited_for_core_s(pid: int, proc: Path = Path("/proc")) -> float | None:
    """How long the first thread of a process was ready and had no core so far, s; None if unknown.

    The format is that of sched-stats in the kernel's documentation. A process that is stopped
    waits for none.
    """
    try:
        return int((proc / str(pid) / "schedstat").read_text().split()[1]) / _OF_A_SECOND
    except (OSError, ValueError, IndexError):
        return None


class _Look(NamedTuple):
    at_s: float
    waited_s: float


class Starving:
    """Counts how often a process waited for a core through too much of some time.

    Attributes:
        waited_s: how long one of them or another waited so far, s, each moment counted once.
    """

    def __init__(self, *, most_s: float, within_s: float) -> None:
        """Beyond `most_s` of any `within_s` it counts once, and what it waited then only once."""
        self._most_s = most_s
        self._within_s = within_s
        self.waited_s = 0.0
        self._looks: dict[int, deque[_Look]] = {}

    def count(self, now_s: float, waited_s: Mapping[int, float]) -> int:
        """How many processes have so now.

        Args:
            now_s: the time, s, never going back.
            waited_s: how long each process waited so far, s, by its id.
        """
        # Ids come again, for processes that have waited for nothing yet.
        self._looks = {pid: looks for pid, looks in self._looks.items() if pid in waited_s}
        since = (waited_s[pid] - looks[-1].waited_s for pid, looks in self._looks.items() if looks)
        self.waited_s += max(since, default=0.0)
        return sum(self._starved(pid, _Look(now_s, waited)) for pid, waited in waited_s.items())

    def _starved(self, pid: int, look: _Look) -> bool:
        looks = self._looks.setdefault(pid, deque())
        while looks and looks[0].at_s < look.at_s - self._within_s:
            looks.popleft()
        has_starved = bool(looks) and look.waited_s - looks[0].waited_s > self._most_s
        if has_starved:
            looks.clear()
        looks.append(look)
        return has_starved
