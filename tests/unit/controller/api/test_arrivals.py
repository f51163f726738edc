"""Few are let in at once, in the order in which they came, and who waits is told how long."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from controller.api.arrivals import Arrivals
from controller.api.pacing import Moving


@dataclass
class Clock:
    now_ms: int = 0

    def monotonic_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms


class Line:
    """Those who come to a place one after another, and go when they are told."""

    def __init__(self, at_once: int, names: str) -> None:
        self.came: asyncio.Queue[str] = asyncio.Queue()
        self.done = asyncio.Event()
        self._arrivals = Arrivals(at_once, Clock())
        self.tasks = {name: asyncio.create_task(self._come(name)) for name in names}

    async def _come(self, name: str) -> None:
        async with self._arrivals.place() as place:
            while await place.look() is not None:
                pass
            self.came.put_nowait(name)
            await self.done.wait()


async def test_who_comes_first_is_let_in_and_the_others_are_told_how_long_it_takes() -> None:
    clock = Clock()
    arrivals = Arrivals(1, clock)
    async with AsyncExitStack() as held:
        places = [await held.enter_async_context(arrivals.place()) for _ in range(500)]
        told = [await place.look() for place in places[:1] + places[-1:]]
    first, last = told
    assert first is None
    assert last is not None
    assert last > 1


async def test_they_come_in_the_order_of_the_line() -> None:
    line = Line(2, "abcdef")
    assert [await line.came.get() for _ in "ab"] == ["a", "b"]
    assert line.came.empty()
    line.done.set()
    assert [await line.came.get() for _ in "cdef"] == list("cdef")


async def test_who_leaves_the_line_holds_nobody_up() -> None:
    line = Line(1, "abc")
    assert await line.came.get() == "a"
    line.tasks["b"].cancel()
    await asyncio.wait({line.tasks["b"]})
    # Whoever is let in leaves its place to others, however it goes.
    line.tasks["a"].cancel()
    assert await line.came.get() == "c"
    line.done.set()
    await line.tasks["c"]


async def test_a_place_that_was_let_go_is_free_for_the_next_who_comes() -> None:
    arrivals = Arrivals(1, Clock())
    for _ in range(3):
        async with arrivals.place() as place:
            assert await place.look() is None


@given(each_ms=st.integers(1, 5_000), ahead=st.integers(1, 20_000))
def test_how_long_it_takes_is_known_from_how_fast_the_line_moved(each_ms: int, ahead: int) -> None:
    moving = Moving()
    for number in range(300):
        moving.moved(number * each_ms, is_waited_for=True)
    expected_s = ahead * each_ms / 1_000
    assert abs(moving.wait_s(ahead) - expected_s) <= 0.05 * expected_s + 0.001


def test_a_line_in_which_nobody_stood_tells_nothing_of_how_fast_it_moves() -> None:
    moving = Moving()
    before_s = moving.wait_s(100)
    for number in range(100):
        moving.moved(60_000 * number, is_waited_for=False)
    assert moving.wait_s(100) == before_s
    assert moving.wait_s(-1) == 0
