"""Ctrl-C ends a command at whatever moment, with the exit code that tells of it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from controller.cli.interrupting import heard_by_a_loop, interrupts_surely
from tests.faults.proxy import Link
from tests.integration.system.sweeps.steering.conftest import Served
from tests.integration.system.sweeps.steering.test_starting import ASKED, Way
from tests.processes import running

INTERRUPTED = 130
# Far below the deadline of a call, and what a busy machine takes.
END_S = 20
MOMENTS_MS = (0, 50, 100, 200, 400, 800)


@pytest.fixture
async def lossy() -> AsyncIterator[Link]:
    link = Link()
    await link.open("127.0.0.1", 0)
    yield link
    await link.close()


async def lost(link: Link) -> None:
    """Returns once a call went up whose answer does not come."""
    waiting = AsyncRetrying(
        retry=retry_if_result(lambda is_lost: not is_lost),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.02),
    )

    async def is_lost() -> bool:
        return link.dead is not None

    await waiting(is_lost)


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        (("devices",), "ListDevices"),
        (("results",), "PageMeasurements"),
        (("follow", "any"), "WatchSweep"),
        (("sweep", *ASKED), "StartSweep"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_whatever_call_is_waited_for(
    served: Served, lossy: Link, asked: tuple[str, ...], call: str
) -> None:
    way = Way(served, lossy)
    way.lose_the_answer(to=call)
    with running(*asked, "--controller", way.address) as command:
        await lost(lossy)
        command.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(command.process.wait, END_S) == INTERRUPTED


@pytest.mark.parametrize("moment_ms", MOMENTS_MS)
async def test_however_far_it_is(served: Served, lossy: Link, moment_ms: int) -> None:
    way = Way(served, lossy)
    way.lose_the_answer()
    with running("sweep", *ASKED, "--controller", way.address) as command:
        await asyncio.sleep(moment_ms / 1_000)
        command.process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(command.process.wait, END_S)
    # Before it is the command's to say, Python ends it by the signal.
    assert code in (INTERRUPTED, -signal.SIGINT)


def test_a_loop_finds_the_handler_that_it_asks_for() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupts_surely():
            ours = signal.getsignal(signal.SIGINT)
            with heard_by_a_loop():
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            assert signal.getsignal(signal.SIGINT) is ours
    finally:
        signal.signal(signal.SIGINT, before)


PASSED_OVER = """
import os, signal, sys, time
from controller.cli import main as command

class Passing:
    def __del__(self):
        # As those of gRPC's channels do.
        try:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(100):
                pass
        except KeyboardInterrupt:
            print("passed over", flush=True)

@command.edgerank.command("wait")
def wait():
    Passing()
    try:
        time.sleep(3600)
    finally:
        # Whoever takes long to end is not interrupted again.
        time.sleep(2.5)
        print("ended", flush=True)

command.COMMANDS["wait"] = command.Listed("__main__:wait", "Wait.")
sys.argv[1:] = ["wait"]
command.main()
"""


def test_what_ends_an_object_does_not_pass_it_over() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PASSED_OVER], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == INTERRUPTED, done.stderr
    assert done.stdout.splitlines() == ["passed over", "ended"]
