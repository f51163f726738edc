"""How fast peers are heard, refused and let in: arithmetic of times, without clock or waiting."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

FORGOTTEN_MS: Final = 60_000
# However many peers there are.
_MOST_REMEMBERED: Final = 10_000
# Until a line has moved: what a machine like the tests' takes to greet one agent.
_FIRST_MS: Final = 10.0
# Of the newest move, in what a move takes.
_NEWEST: Final = 0.05


class Rates:
    """Lets each peer have so much a second, and save up what it did not use."""

    def __init__(self, *, per_s: float, saved: float) -> None:
        """`per_s` in messages a second, `saved` in messages at most."""
        self._ms_each = 1_000 / per_s
        self._saved_ms = saved * self._ms_each
        # By peer, when all that it used is there again.
        self._whole_at_ms: dict[Hashable, float] = {}

    def wait_s(self, who: Hashable, now_ms: int, cost: float = 1) -> float:
        """For how long the next message of a peer has to wait, s; 0 when it need not.

        Args:
            who: the peer.
            now_ms: the time, ms, never going back.
            cost: of this message, in ordinary ones.
        """
        if len(self._whole_at_ms) >= _MOST_REMEMBERED and who not in self._whole_at_ms:
            self._whole_at_ms = {key: at for key, at in self._whole_at_ms.items() if at > now_ms}
        whole_at_ms = max(self._whole_at_ms.get(who, now_ms), now_ms) + cost * self._ms_each
        self._whole_at_ms[who] = whole_at_ms
        return max(0.0, whole_at_ms - now_ms - self._saved_ms) / 1_000


class _Refused(NamedTuple):
    times: int
    last_ms: int


class Pauses:
    """How long who is refused waits for the answer: the longer, the more often it was."""

    def __init__(self, *, free: int, first_s: float, longest_s: float) -> None:
        """The first `free` refusals are told at once, and so again after a minute without one.

        The next waits `first_s`, and each after it twice as long, up to `longest_s`.
        """
        self._free = free
        self._first_s = first_s
        self._longest_s = longest_s
        self._refused: OrderedDict[Hashable, _Refused] = OrderedDict()

    def pause_s(self, who: Hashable, now_ms: int) -> float:
        """For how long a refusal waits that is counted herewith, s.

        Args:
            who: is refused.
            now_ms: the time, ms, never going back.
        """
        before = self._refused.pop(who, None)
        lasts = before is not None and now_ms - before.last_ms < FORGOTTEN_MS
        times = before.times + 1 if before is not None and lasts else 1
        self._refused[who] = _Refused(times, now_ms)
        if len(self._refused) > _MOST_REMEMBERED:
            self._refused.popitem(last=False)
        beyond = times - self._free
        if beyond <= 0:
            return 0.0
        # Doubled more often, it would be no finite number some day.
        return min(self._longest_s, self._first_s * 2.0 ** min(beyond - 1, 30))


class Moving:
    """How fast a line moves, by how fast it moved so far.

    Attributes:
        count: how often it moved.
    """

    def __init__(self) -> None:
        self.count = 0
        self._each_ms = _FIRST_MS
        self._waited_since_ms: int | None = None

    def moved(self, now_ms: int, *, is_waited_for: bool) -> None:
        """One has gone in whose place another may take.

        Args:
            now_ms: the time, ms, never going back.
            is_waited_for: whether anybody stands in the line; how long it takes until one comes is
                not the line's doing.
        """
        self.count += is_waited_for
        if self._waited_since_ms is not None:
            self._each_ms += _NEWEST * (now_ms - self._waited_since_ms - self._each_ms)
        self._waited_since_ms = now_ms if is_waited_for else None

    def wait_s(self, ahead: int) -> float:
        """How long it takes until the line has moved so often, s."""
        return max(0, ahead) * self._each_ms / 1_000
