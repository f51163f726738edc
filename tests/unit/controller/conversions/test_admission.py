"""As many conversions run at once as cores and memory allow, what is needed first."""

import asyncio
from collections.abc import Callable

import pytest

from controller.conversions.admission import Admission
from controller.conversions.demand import Demand
from controller.conversions.need import Urgency


class Crowd:
    """Conversions that last until a test ends them."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.running: list[str] = []
        self.rooms: dict[str, int] = {}

    async def ask(self, name: str, expected_bytes: int) -> None:
        """One comes, and starts if it may."""
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, expected_bytes))
        await settle()

    async def end(self, name: str) -> None:
        """One ends."""
        self._ends[name].set()
        await self.tasks[name]
        await settle()

    async def _run(self, name: str, expected_bytes: int) -> None:
        async with self._admission.admitted(name, expected_bytes) as room_bytes:
            self.running.append(name)
            self.rooms[name] = room_bytes
            await self._ends[name].wait()
            self.running.remove(name)


async def settle() -> None:
    """Lets everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def crowd(
    slots: int = 2, room_bytes: Callable[[], int] = lambda: 100, demand: Demand | None = None
) -> Crowd:
    return Crowd(Admission(slots, room_bytes, demand or Demand()))


async def test_cores_and_memory_both_limit_how_many_run() -> None:
    many = crowd()
    await many.ask("a", 60)
    await many.ask("b", 50)
    await many.ask("c", 1)
    assert many.running == ["a"]
    await many.end("a")
    assert many.running == ["b", "c"]
    await many.ask("d", 1)
    assert many.running == ["b", "c"]
    await many.end("b")
    assert many.running == ["c", "d"]
    await many.end("c")
    await many.end("d")


async def test_one_larger_than_everything_runs_alone_and_is_not_passed() -> None:
    many = crowd(slots=4)
    await many.ask("small", 10)
    await many.ask("huge", 1_000)
    await many.ask("later", 10)
    assert many.running == ["small"]
    await many.end("small")
    assert many.running == ["huge"]
    await many.end("huge")
    assert many.running == ["later"]
    await many.end("later")


async def test_the_room_is_that_of_the_moment_when_nothing_ran() -> None:
    rooms = iter((100, 20))
    many = crowd(room_bytes=lambda: next(rooms))
    await many.ask("a", 60)
    await many.ask("b", 40)
    await many.end("a")
    await many.end("b")
    await many.ask("c", 15)
    assert many.rooms == {"a": 100, "b": 100, "c": 20}
    await many.end("c")


@pytest.mark.parametrize("cancelled", ["waits", "runs"])
async def test_whoever_is_cancelled_makes_way(cancelled: str) -> None:
    many = crowd(slots=1)
    await many.ask("runs", 1)
    await many.ask("waits", 1)
    await many.ask("next", 1)
    many.tasks[cancelled].cancel()
    await asyncio.wait([many.tasks[cancelled]])
    if cancelled == "waits":
        await many.end("runs")
    await settle()
    assert many.running[-1] == ("next" if cancelled == "waits" else "waits")
    for task in many.tasks.values():
        task.cancel()
    await asyncio.wait(many.tasks.values())


async def test_of_those_that_wait_the_one_that_is_needed_first_is_next() -> None:
    demand = Demand()
    many = crowd(slots=1, demand=demand)
    await many.ask("runs", 1)
    for name in ("ahead", "second", "first"):
        await many.ask(name, 1)
    demand.want("sweep", Urgency(), {"second": {"phone": 5}, "first": {"phone": 2}}, ["phone"])
    await many.end("runs")
    assert many.running == ["first"]
    # Meanwhile another sweep wants what is converted ahead, at once.
    demand.want("urgent", Urgency(priority=3), {"ahead": {"board": 0}}, ["board"])
    await many.end("first")
    assert many.running == ["ahead"]
    await many.end("ahead")
    assert many.running == ["second"]
    await many.end("second")


async def test_of_those_that_ask_at_the_same_moment_none_is_first_for_having_asked_first() -> None:
    demand = Demand()
    demand.want("sweep", Urgency(), {"late": {"phone": 5}, "early": {"phone": 2}}, ["phone"])
    many = crowd(slots=1, demand=demand)
    await asyncio.gather(many.ask("late", 1), many.ask("early", 1))
    assert many.running == ["early"]
    await many.end("early")
    await many.end("late")


async def test_what_is_needed_first_and_does_not_fit_yet_is_not_passed() -> None:
    demand = Demand()
    demand.want("sweep", Urgency(), {"large": {"phone": 0}}, ["phone"])
    many = crowd(slots=4, demand=demand)
    await many.ask("small", 10)
    await many.ask("another", 10)
    await many.ask("large", 90)
    await many.ask("later", 10)
    assert many.running == ["small", "another"]
    await many.end("small")
    assert many.running == ["another", "large"]
    await many.end("another")
    assert many.running == ["large", "later"]
    await many.end("large")
    await many.end("later")
