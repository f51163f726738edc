"""What may be long is worked on while there is room for its bytes; nobody is kept out by others."""

import asyncio
import weakref
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.limits import Room
from controller.api.rpc.held.weighing import Portion, Scales
from controller.domain.errors import EdgerankError, ErrorCode


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def taking(scales: Scales, who: str, size_bytes: int) -> asyncio.Task[Portion]:
    return asyncio.create_task(scales.take(who, size_bytes, waits_as_bytes=size_bytes))


def of_whom(tasks: Sequence[asyncio.Task[Portion]]) -> list[object]:
    return [each.result().who for each in tasks if each.done() and not each.exception()]


def nothing_is_left(scales: Scales) -> bool:
    return not (scales._in_all or scales._of_caller or scales._waiting or scales._waits_of)


async def test_one_has_no_more_than_its_share_and_others_are_heard() -> None:
    scales = Scales(Room(a_caller=2, in_all=3), 100, "reports")
    tasks = [taking(scales, who, 1) for who in ("ada", "ada", "ada", "ben", "ben")]
    await settled()
    assert of_whom(tasks) == ["ada", "ada", "ben"]
    scales.give_back(tasks[0].result())
    await settled()
    # Each holds one now, and who waited longer is first.
    assert of_whom(tasks) == ["ada", "ada", "ada", "ben"]


async def test_what_is_long_is_passed_by_nothing_that_came_later() -> None:
    scales = Scales(Room(a_caller=10, in_all=10), 100, "reports")
    first = taking(scales, "ada", 6)
    await settled()
    long = taking(scales, "ben", 10)
    short = taking(scales, "cyd", 1)
    await settled()
    assert not long.done()
    assert not short.done()
    scales.give_back(first.result())
    await settled()
    assert long.done()
    scales.give_back(long.result())
    await settled()
    scales.give_back(short.result())
    assert nothing_is_left(scales)


async def test_where_too_much_waits_who_has_most_there_is_refused() -> None:
    scales = Scales(Room(a_caller=10, in_all=10), 10, "reports")
    taking(scales, "ada", 10)
    waiting = [taking(scales, who, size) for who, size in (("ada", 5), ("ben", 2), ("ada", 4))]
    await settled()
    with pytest.raises(EdgerankError) as refused:
        await waiting[2]
    assert refused.value.code is ErrorCode.LIMIT
    assert not waiting[0].done()
    assert not waiting[1].done()


async def test_of_those_who_wait_with_as_much_who_came_last_is_refused() -> None:
    scales = Scales(Room(a_caller=10, in_all=10), 10, "reports")
    taking(scales, "ada", 10)
    waiting = [taking(scales, who, 4) for who in ("ben", "cyd", "dan")]
    await settled()
    assert [each.done() for each in waiting] == [False, False, True]
    with pytest.raises(EdgerankError, match="nobody has more"):
        await waiting[2]


async def test_where_nothing_may_wait_it_is_told_how_much_may_be_held() -> None:
    scales = Scales(Room(a_caller=2, in_all=3), 0, "requests")
    await scales.take("ada", 2, waits_as_bytes=2)
    with pytest.raises(EdgerankError, match="2 bytes of requests may be held"):
        await scales.take("ada", 1, waits_as_bytes=1)
    assert (await scales.take("ben", 1, waits_as_bytes=1)).size_bytes == 1


async def test_who_waits_is_told_so_after_its_time_and_others_go_on() -> None:
    scales = Scales(Room(a_caller=10, in_all=10), 100, "answers", within_s=0.001)
    held = await scales.take("ada", 5, waits_as_bytes=5)
    long = taking(scales, "ben", 10)
    with pytest.raises(EdgerankError, match="no room within") as refused:
        await long
    assert refused.value.code is ErrorCode.LIMIT
    other = await scales.take("cyd", 5, waits_as_bytes=5)
    scales.give_back(held)
    scales.give_back(other)
    assert nothing_is_left(scales)


async def test_a_refusal_keeps_nothing_of_who_waited() -> None:
    class Who:
        pass

    scales = Scales(Room(a_caller=1, in_all=1), 0, "requests")
    portion = await scales.take("ada", 1, waits_as_bytes=1)
    who = Who()
    kept = weakref.ref(who)
    with suppress(EdgerankError):
        await scales.take(who, 1, waits_as_bytes=1)
    del who
    assert kept() is None
    scales.give_back(portion)


async def test_what_is_longer_than_one_may_hold_waits_as_all_of_that() -> None:
    scales = Scales(Room(a_caller=2, in_all=2), 2, "answers")
    portion = await scales.take("ada", 1, waits_as_bytes=1)
    long = taking(scales, "ben", 1_000)
    await settled()
    assert not long.done()
    scales.give_back(portion)
    assert (await long).size_bytes == 2


async def test_what_is_longer_than_one_may_hold_counts_as_all_of_that() -> None:
    scales = Scales(Room(a_caller=2, in_all=3), 100, "reports")
    portion = await scales.take("ada", 1_000, waits_as_bytes=1)
    scales.give_back(portion)
    assert nothing_is_left(scales)


@given(
    sizes=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=20),
    hung_up=st.sets(st.integers(0, 19)),
)
def test_everybody_is_heard_or_refused_and_nothing_is_left(
    sizes: Sequence[tuple[str, int]], hung_up: set[int]
) -> None:
    async def run() -> None:
        scales = Scales(Room(a_caller=6, in_all=9), 30, "reports")
        tasks = [taking(scales, who, size) for who, size in sizes]
        await settled()
        for index in hung_up & set(range(len(tasks))):
            tasks[index].cancel()
        going = set(tasks)
        while going:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with suppress(EdgerankError, asyncio.CancelledError):
                    scales.give_back(task.result())
            assert scales._in_all <= 9
        assert nothing_is_left(scales)

    asyncio.run(run())
