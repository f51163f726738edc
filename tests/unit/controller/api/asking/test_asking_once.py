"""Who ask the same at once are answered by one look, which begins after they asked."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.api.asking.once import AskingOnce


class Looking:
    """Looks in one thread, which is held up until it may go on."""

    def __init__(self) -> None:
        self.may_look = threading.Semaphore(0)
        self.has_begun = threading.Event()
        self.looked_for: list[str] = []

    def look(self, asked: str) -> str:
        self.has_begun.set()
        assert self.may_look.acquire(timeout=60)
        self.looked_for.append(asked)
        if asked == "unknown":
            raise LookupError(asked)
        return f"{asked} {len(self.looked_for)}"


async def test_a_crowd_is_answered_by_one_look_and_who_asks_meanwhile_by_the_next() -> None:
    looking = Looking()
    with ThreadPoolExecutor(1) as thread:
        asking = AskingOnce(looking.look, thread)
        first = asyncio.create_task(asking.ask("a"))
        await asyncio.to_thread(looking.has_begun.wait, 60)
        # What was so before they asked is no answer to them.
        crowd = [asyncio.create_task(asking.ask("a")) for _ in range(50)]
        other = asyncio.create_task(asking.ask("b"))
        await asyncio.sleep(0)
        looking.may_look.release(3)
        assert await first == "a 1"
        assert await asyncio.gather(*crowd) == ["a 2"] * 50
        assert await other == "b 3"


async def test_who_goes_away_takes_nothing_from_the_others_and_each_is_told_of_a_failure() -> None:
    looking = Looking()
    with ThreadPoolExecutor(1) as thread:
        asking = AskingOnce(looking.look, thread)
        first = asyncio.create_task(asking.ask("a"))
        await asyncio.to_thread(looking.has_begun.wait, 60)
        crowd = [asyncio.create_task(asking.ask("unknown")) for _ in range(3)]
        await asyncio.sleep(0)
        crowd[0].cancel()
        looking.may_look.release(2)
        await first
        for each in crowd[1:]:
            with pytest.raises(LookupError):
                await each
    assert looking.looked_for == ["a", "unknown"]
