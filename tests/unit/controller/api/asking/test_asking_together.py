"""Who asks while a look goes on is told of the next one, together with all who did."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.api.asking.together import AskingTogether


class Looking:
    """A look that takes as long as its owner wants, and what was asked of each."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def look(self, asked: Sequence[str]) -> list[str]:
        self.asked.append(list(asked))
        self.begun.release()
        assert self.may_end.acquire(timeout=60)
        if "damaged" in asked:
            raise OSError("no such table")
        return [each.upper() for each in asked]


async def asked_while_one_is_looked_for(looking: Looking, *more: str) -> list[object]:
    """What the first that is asked is answered, and those after it."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        asking = AskingTogether(looking.look, thread, rest_s=0)
        first = asyncio.create_task(asking.ask("first"))
        assert await asyncio.to_thread(looking.begun.acquire, timeout=60)
        others = [asyncio.create_task(asking.ask(each)) for each in more]
        await asyncio.sleep(0)
        looking.may_end.release(2)
        return list(await asyncio.gather(first, *others, return_exceptions=True))


async def test_those_who_ask_meanwhile_share_the_next_look() -> None:
    looking = Looking()
    answers = await asked_while_one_is_looked_for(looking, "second", "third", "second")
    assert answers == ["FIRST", "SECOND", "THIRD", "SECOND"]
    assert looking.asked == [["first"], ["second", "third", "second"]]


async def test_a_look_that_fails_fails_for_those_who_asked_it() -> None:
    looking = Looking()
    first, *others = await asked_while_one_is_looked_for(looking, "damaged", "third")
    assert first == "FIRST"
    assert [type(each) for each in others] == [OSError, OSError]


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    looking = Looking()
    with ThreadPoolExecutor(max_workers=1) as thread:
        asking = AskingTogether(looking.look, thread, rest_s=0)
        gone, stays = (asyncio.create_task(asking.ask(each)) for each in ("gone", "stays"))
        assert await asyncio.to_thread(looking.begun.acquire, timeout=60)
        gone.cancel()
        looking.may_end.release()
        assert await stays == "STAYS"
        with pytest.raises(asyncio.CancelledError):
            await gone


async def test_who_asks_alone_waits_for_no_rest() -> None:
    def look(asked: Sequence[str]) -> list[str]:
        return [each.upper() for each in asked]

    with ThreadPoolExecutor(max_workers=1) as thread:
        asking = AskingTogether(look, thread, rest_s=3_600)
        answers = [await asking.ask(each) for each in ("first", "second", "third")]
    assert answers == ["FIRST", "SECOND", "THIRD"]
