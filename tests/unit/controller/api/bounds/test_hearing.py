"""Few requests of one caller, and of all, come at once; the others wait for their turn."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from controller.api.limits import Room
from controller.api.rpc.held.hearing import Floor
from controller.domain.errors import EdgerankError, ErrorCode


async def beginning(floor: Floor, who: str, ended: asyncio.Event, told: list[str]) -> None:
    async with floor.turn(who):
        told.append(who)
        await ended.wait()


async def ends_of(tasks: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def nobody_is_left(floor: Floor) -> bool:
    return not floor._in_all and not floor._of_caller and not floor._waiting


def test_who_says_much_waits_and_keeps_nobody_else_from_their_turn() -> None:
    async def run() -> None:
        floor, ended, told = Floor(Room(a_caller=2, in_all=3), 60), asyncio.Event(), list[str]()
        tasks = [
            asyncio.create_task(beginning(floor, who, ended, told))
            for who in ("ada", "ada", "ada", "ben", "ben")
        ]
        await settled()
        assert told == ["ada", "ada", "ben"]
        ended.set()
        await asyncio.gather(*tasks)
        assert sorted(told) == ["ada", "ada", "ada", "ben", "ben"]
        assert nobody_is_left(floor)

    asyncio.run(run())


def test_a_crowd_of_one_address_keeps_nobody_else_waiting() -> None:
    async def run() -> None:
        floor, never, told = Floor(Room(a_caller=2, in_all=2), 60), asyncio.Event(), list[str]()
        first = asyncio.create_task(beginning(floor, "ada", never, told))
        crowd = [asyncio.create_task(beginning(floor, "ada", never, told)) for _ in range(9)]
        await settled()
        tasks = [first, *crowd, asyncio.create_task(beginning(floor, "ben", never, told))]
        await settled()
        assert told == ["ada", "ada"]
        first.cancel()
        await settled()
        assert told == ["ada", "ada", "ben"]
        never.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert nobody_is_left(floor)

    asyncio.run(run())


def test_a_turn_that_does_not_come_is_told() -> None:
    async def run() -> None:
        floor = Floor(Room(a_caller=1, in_all=1), 0.01)
        async with floor.turn("ada"):
            with pytest.raises(EdgerankError) as told:
                async with floor.turn("ben"):
                    pass
            assert told.value.code is ErrorCode.LIMIT
        async with floor.turn("ben"):
            pass
        assert nobody_is_left(floor)

    asyncio.run(run())


@pytest.mark.parametrize("has_come", [False, True])
def test_who_hangs_up_leaves_no_turn_behind(has_come: bool) -> None:
    async def run() -> None:
        floor, never = Floor(Room(a_caller=1, in_all=1), 60), asyncio.Event()
        async with AsyncExitStack() as held:
            await held.enter_async_context(floor.turn("ada"))
            waiting = asyncio.create_task(beginning(floor, "ben", never, []))
            await settled()
            if has_come:
                await held.aclose()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        assert nobody_is_left(floor)

    asyncio.run(run())


def test_who_hangs_up_as_their_turn_is_given_up_is_told_of_nothing_else() -> None:
    async def run() -> None:
        floor, never = Floor(Room(a_caller=1, in_all=1), 0), asyncio.Event()
        async with floor.turn("ada"):
            waiting = asyncio.create_task(beginning(floor, "ben", never, []))
            # It waits for nothing longer; cancelled in each of the steps in which that comes about.
            for _ in range(2):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert nobody_is_left(floor)

    asyncio.run(run())


class Speakers(RuleBasedStateMachine):
    """Callers who come, hang up and end, between any two steps of the loop that gives the floor."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.floor = Floor(Room(a_caller=2, in_all=3), 60)
        self.ending: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.speaking: Counter[str] = Counter()

    async def _speak(self, who: str, ended: asyncio.Event) -> None:
        async with self.floor.turn(who):
            self.speaking[who] += 1
            assert max(self.speaking.values()) <= 2
            assert self.speaking.total() <= 3
            try:
                await ended.wait()
            finally:
                self.speaking[who] -= 1

    @rule(who=st.sampled_from(["ada", "ben", "cyd"]))
    def come(self, who: str) -> None:
        ended = asyncio.Event()
        self.ending.append(ended)
        self.tasks.append(self.loop.create_task(self._speak(who, ended)))

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.tasks)).cancel()

    @precondition(lambda self: self.ending)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.ending)).set()

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """One's time is over, at whatever moment."""
        if places := tuple(self.floor._waiting):
            self.floor._give_up(data.draw(st.sampled_from(places)))

    @rule()
    def step(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    def teardown(self) -> None:
        for ended in self.ending:
            ended.set()
        told = self.loop.run_until_complete(ends_of(self.tasks))
        ends = (asyncio.CancelledError, EdgerankError)
        assert all(each is None or isinstance(each, ends) for each in told)
        assert nobody_is_left(self.floor)
        self.loop.close()


TestSpeakers = Speakers.TestCase
