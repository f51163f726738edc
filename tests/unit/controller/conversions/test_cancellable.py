"""What waits for other machines holds up neither who is cancelled nor the end of a process."""

import asyncio
import subprocess
import sys
import threading

import pytest

from controller.conversions.cancellable import AbandonableThreads
from models.processes.child import Cancellation, ConversionCancelled

ENDS = """
import asyncio, threading
from controller.conversions.cancellable import AbandonableThreads
from models.processes.child import Cancellation

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        threading.Event().wait()
    call = asyncio.create_task(AbandonableThreads(1).run(work, Cancellation()))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    await asyncio.wait([call])

asyncio.run(main())
print("ended")
"""


async def test_it_gives_what_the_work_gives_and_raises_what_it_raises() -> None:
    threads = AbandonableThreads(1)
    assert await threads.run(lambda: 7, Cancellation()) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0, Cancellation())


async def test_who_is_cancelled_does_not_wait_and_the_work_is_told() -> None:
    cancellation, begun, told = Cancellation(), threading.Event(), threading.Event()
    may_look = threading.Event()

    def work() -> None:
        begun.set()
        may_look.wait()
        try:
            cancellation.raise_if_cancelled()
        except ConversionCancelled:
            told.set()
            raise

    call = asyncio.create_task(AbandonableThreads(1).run(work, cancellation))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not told.is_set()
    may_look.set()
    assert await asyncio.to_thread(told.wait, 60)


async def test_what_is_abandoned_again_and_again_does_not_pile_up() -> None:
    threads, begun, may_end = AbandonableThreads(2), threading.Semaphore(0), threading.Event()
    count = 0

    def work() -> int:
        nonlocal count
        count += 1
        begun.release()
        may_end.wait()
        return count

    for _ in range(2):
        call = asyncio.create_task(threads.run(work, Cancellation()))
        await asyncio.to_thread(begun.acquire)
        call.cancel()
        await asyncio.wait([call])
    calls = [asyncio.create_task(threads.run(work, Cancellation())) for _ in range(20)]
    for call in calls[1:]:
        # Who is cancelled while it waits for a thread has none.
        await asyncio.sleep(0)
        call.cancel()
    await asyncio.wait(calls[1:])
    assert count == 2
    may_end.set()
    assert await calls[0] == 3


def test_a_process_ends_although_its_work_does_not() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("ended\n", "", 0)
