"""How many calls go on, by who makes them and in all."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from controller.api.limits import Load, Room
from controller.domain.errors import EdgerankError, ErrorCode


class Crowd:
    """Counts the calls that go on, and lets no more of them in than there is room for."""

    def __init__(self, rooms: Mapping[Load, Room]) -> None:
        self._rooms = rooms
        self._of_caller: Counter[tuple[Load, str]] = Counter()
        self._in_all: Counter[Load] = Counter()

    @contextmanager
    def counted(self, load: Load, who: str | None) -> Iterator[None]:
        """Holds the place of a call.

        Args:
            load: what it costs.
            who: whose it is; None where everybody's are counted together only.

        Raises:
            EdgerankError: LIMIT.
        """
        room, place = self._rooms[load], (load, who or "")
        if who is not None and self._of_caller[place] >= room.a_caller:
            raise EdgerankError(
                ErrorCode.LIMIT,
                f"{room.a_caller} {load.value} may go on at once for one caller, and as many do; "
                "let one of them end, then ask again",
            )
        if self._in_all[load] >= room.in_all:
            raise EdgerankError(
                ErrorCode.LIMIT,
                f"{room.in_all} {load.value} may go on at once for all callers, and as many do; "
                "ask again in a minute",
            )
        self._of_caller[place] += 1
        self._in_all[load] += 1
        try:
            yield
        finally:
            self._in_all[load] -= 1
            self._of_caller[place] -= 1
            if not self._of_caller[place]:
                del self._of_caller[place]
