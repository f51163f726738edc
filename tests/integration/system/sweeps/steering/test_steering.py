"""What a person does to a sweep that goes on is so at its devices' next turn, and stays so."""

import asyncio

from tests.faults.schedules import BACKBONES
from tests.integration.system.sweeps.steering.conftest import Served, connected_device
from tests.processes import edgerank, running

FIRST, SECOND, THIRD = BACKBONES


async def test_an_urgent_sweep_overtakes_and_an_edit_overtakes_that(served: Served) -> None:
    await asyncio.to_thread(served.sweep, FIRST, repetitions=3, name="nightly")
    async with connected_device(served) as device:
        assert await device.measure() == FIRST
        await asyncio.to_thread(served.sweep, SECOND, repetitions=3, priority=5)
        assert [await device.measure() for _ in range(2)] == [SECOND, SECOND]
        told = await asyncio.to_thread(served.command, "edit", "nightly", "--priority", "7")
        assert "priority +7" in told
        assert [await device.measure() for _ in range(3)] == [FIRST, FIRST, SECOND]


async def test_a_paused_sweep_gives_out_nothing_also_after_a_kill_and_goes_on_when_resumed(
    served: Served,
) -> None:
    nightly = await asyncio.to_thread(served.sweep, FIRST, repetitions=3, name="nightly")
    async with connected_device(served) as device:
        await device.ready()
        out = await device.lease()
        await asyncio.to_thread(served.command, "pause", "nightly")
        # What was being measured is kept.
        await device.report(out)
        await asyncio.to_thread(served.sweep, SECOND, repetitions=2, priority=-10)
        assert await device.measure() == SECOND
    served.process.kill()
    served.start()
    assert (await asyncio.to_thread(served.listed, nightly))["paused"]["by"] == ""
    with running("follow", "nightly", "--controller", served.address) as following:
        following.output.wait_for(f"the sweep is paused since .*edgerank resume {nightly}")
        async with connected_device(served) as device:
            assert await device.measure() == SECOND
            # Nothing else is left, so that it waits until there is.
            await device.ready()
            await asyncio.to_thread(served.command, "resume", nightly)
            # Before the rest is reported, which may have ended by the next look at the sweep.
            await asyncio.to_thread(following.output.wait_for, "the sweep goes on")
            again = await device.lease()
            assert again.backbone == FIRST
            await device.report(again)
            assert await device.measure() == FIRST
        assert following.process.wait() == 0
    assert (await asyncio.to_thread(served.listed, nightly))["phase"] == "ended"


async def test_what_has_ended_or_cannot_be_is_refused_with_a_sentence(served: Served) -> None:
    sweep_id = await asyncio.to_thread(served.sweep, THIRD)
    await asyncio.to_thread(served.command, "cancel", sweep_id)
    commands = {
        ("pause", sweep_id): 4,
        ("resume", sweep_id): 4,
        ("edit", sweep_id, "--priority", "1"): 4,
        ("edit", sweep_id, "--priority", "11"): 2,
        ("edit", sweep_id): 2,
        ("pause", "nobody's"): 2,
    }
    for command, exit_code in commands.items():
        done = await asyncio.to_thread(edgerank, *command, address=served.address)
        assert (done.returncode, "Traceback" in done.stderr) == (exit_code, False), done.stderr
