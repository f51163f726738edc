"""What is said where there is no terminal: each change, and now and then that it still goes on."""

import concurrent.futures
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from rich.console import Console
from rich.text import Text

from controller.domain.devices import HeldUp
from controller.domain.sweeps import Activity, ActivityKind
from controller.views.activities import activities_words, activity_words, work, worker
from controller.views.device_words import held_up_words

SILENT_S: Final = 30.0
"""After how long without a line it is said again what goes on."""
LOOK_S: Final = 1.0
"""How often that is looked at."""

ItemT = TypeVar("ItemT")
_END: Final = object()


def print_line(console: Console, line: str | Text) -> None:
    """Print a line as it is: whole, and what stands in brackets is no markup."""
    console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)


class Teller:
    """Says on a console, by the console's own clock, what goes on; on a terminal nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spoke_at_s = console.get_time()
        self._known: dict[Hashable, Hashable] = {}
        self._still = ""
        self._held_up: tuple[HeldUp, ...] = ()

    def say(self, line: Text) -> None:
        """Print a line, on a terminal, too; it is not broken."""
        print_line(self._console, line)
        self._spoke_at_s = self._console.get_time()

    def goes_on(self, activities: Sequence[Activity], how_far: str, nothing: str) -> None:
        """Say what changed since it was last told.

        Args:
            activities: what goes on now.
            how_far: what each line begins with.
            nothing: what is waited for when nothing goes on.
        """
        holding = "; ".join(map(held_up_words, self._held_up))
        self._still = f"{how_far}  still {activities_words(activities) or holding or nothing}"
        for activity in activities:
            is_new = self._known.get(worker(activity)) != work(activity)
            self._known[worker(activity)] = work(activity)
            # What was handed to a device says soon what it does.
            if is_new and activity.kind is not ActivityKind.STARTING:
                self._tell(f"{how_far}  {activity_words(activity)}")
        self.look()

    def held_up(self, devices: Sequence[HeldUp]) -> None:
        """Say, on a terminal, too, which devices began to hold jobs up, and which ended it."""
        for each in devices:
            if each not in self._held_up:
                self.say(Text(held_up_words(each)))
        there = {each.device for each in devices}
        for device in {each.device for each in self._held_up} - there:
            self.say(Text(f"{device} holds up no job any more"))
        self._held_up = tuple(devices)

    def waits(self, for_what: str) -> None:
        """Say what is waited for, once; `look` says it again."""
        self._still = f"still {for_what}"
        self._tell(for_what)

    def look(self) -> None:
        """Say again what goes on when nothing was said for long."""
        if self._still and self._console.get_time() - self._spoke_at_s >= SILENT_S:
            self._tell(self._still)

    def _tell(self, line: str) -> None:
        if not self._console.is_terminal:
            self.say(Text(line))


def looked_at(items: Iterable[ItemT], every_s: float = LOOK_S) -> Iterator[ItemT | None]:
    """Give items as they come, and None whenever none came for so long, seconds.

    They are taken by a thread of its own, which waits for the next one until whoever gives them
    ends, also when nobody wants it any more.
    """
    taken = iter(items)
    taking = concurrent.futures.ThreadPoolExecutor(1)
    try:
        while True:
            coming = taking.submit(next, taken, _END)
            while not concurrent.futures.wait([coming], every_s).done:
                yield None
            if (item := coming.result()) is _END:
                return
            yield item  # type: ignore[misc]  # Only the end is no item.
    finally:
        taking.shutdown(wait=False)
