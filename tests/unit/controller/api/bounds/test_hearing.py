"""Few requests of one caller, and of all, come at once; the others wait for their turn."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from controller.api.limits import Room
from controller.api.rpc.hearing import Turns
from controller.domain.errors import EdgerankError, ErrorCode


async def beginning(turns: Turns, who: str, ended: asyncio.Event, told: list[str]) -> None:
    async with turns.turn(who):
        told.append(who)
        await ended.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def nobody_is_left(turns: Turns) -> bool:
    return not turns._in_all and not turns._of_caller and not turns._line


def test_who_says_much_waits_and_keeps_nobody_else_from_their_turn() -> None:
    async def run() -> None:
        turns, ended, told = Turns(Room(a_caller=2, in_all=3), 60), asyncio.Event(), list[str]()
        tasks = [
            asyncio.create_task(beginning(turns, who, ended, told))
            for who in ("ada", "ada", "ada", "ben", "ben")
        ]
        await settled()
        assert told == ["ada", "ada", "ben"]
        ended.set()
        await asyncio.gather(*tasks)
        assert sorted(told) == ["ada", "ada", "ada", "ben", "ben"]
        assert nobody_is_left(turns)

    asyncio.run(run())


def test_a_crowd_of_one_address_keeps_nobody_else_waiting() -> None:
    async def run() -> None:
        turns, never, told = Turns(Room(a_caller=2, in_all=2), 60), asyncio.Event(), list[str]()
        first = asyncio.create_task(beginning(turns, "ada", never, told))
        crowd = [asyncio.create_task(beginning(turns, "ada", never, told)) for _ in range(9)]
        await settled()
        tasks = [first, *crowd, asyncio.create_task(beginning(turns, "ben", never, told))]
        await settled()
        assert told == ["ada", "ada"]
        first.cancel()
        await settled()
        assert told == ["ada", "ada", "ben"]
        never.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert nobody_is_left(turns)

    asyncio.run(run())


def test_a_turn_that_does_not_come_is_told() -> None:
    async def run() -> None:
        turns = Turns(Room(a_caller=1, in_all=1), 0.01)
        async with turns.turn("ada"):
            with pytest.raises(EdgerankError) as told:
                async with turns.turn("ben"):
                    pass
            assert told.value.code is ErrorCode.LIMIT
        async with turns.turn("ben"):
            pass
        assert nobody_is_left(turns)

    asyncio.run(run())


@pytest.mark.parametrize("has_come", [False, True])
def test_who_hangs_up_leaves_no_turn_behind(has_come: bool) -> None:
    async def run() -> None:
        turns, never = Turns(Room(a_caller=1, in_all=1), 60), asyncio.Event()
        async with AsyncExitStack() as held:
            await held.enter_async_context(turns.turn("ada"))
            waiting = asyncio.create_task(beginning(turns, "ben", never, []))
            await settled()
            if has_come:
                await held.aclose()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        assert nobody_is_left(turns)

    asyncio.run(run())
