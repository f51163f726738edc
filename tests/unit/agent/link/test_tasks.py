"""A task that is to end does, though the first word of it is lost."""

import asyncio

from agent.link.tasks import end_tasks


async def deaf(times: int) -> int:
    """Loses so many cancellations."""
    for heard in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
        raise AssertionError(heard)
    await asyncio.Event().wait()
    return times


async def test_tasks_are_told_until_they_have_ended() -> None:
    async def failing() -> None:
        raise ValueError("of no interest any more")

    tasks = [asyncio.create_task(deaf(times)) for times in range(4)]
    ended = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await end_tasks(*tasks, ended, again_s=0.001)
    assert all(task.cancelled() for task in tasks)
    assert ended.done()


async def test_nothing_is_ended_at_once() -> None:
    await end_tasks()
    done = asyncio.create_task(asyncio.sleep(0, "done"))
    await done
    await end_tasks(done)
    assert done.result() == "done"


async def test_who_is_cancelled_meanwhile_is_so_when_they_have_ended() -> None:
    task = asyncio.create_task(deaf(3))
    await asyncio.sleep(0)
    ending = asyncio.create_task(end_tasks(task, again_s=60))
    await asyncio.sleep(0)
    # Each of these is told to the task besides.
    while not ending.done():
        ending.cancel()
        await asyncio.sleep(0)
    assert ending.cancelled()
    assert task.cancelled()
