"""`retry` measures what failed and nothing else, once however often it is asked for."""

import asyncio
import json

from tests.faults.schedules import BACKBONES
from tests.integration.system.sweeps.steering.conftest import Served, connected_device
from tests.processes import edgerank, running

FIRST, SECOND, THIRD = BACKBONES


async def failed_sweep(served: Served) -> str:
    """A sweep of which one job failed; its id."""
    sweep_id = await asyncio.to_thread(served.sweep, *BACKBONES, name="nightly")
    async with connected_device(served) as device:
        done = [await device.measure(fails=(SECOND,)) for _ in BACKBONES]
    assert sorted(done) == sorted(BACKBONES)
    # Its figures follow on what was committed.
    await asyncio.to_thread(edgerank, "follow", sweep_id, address=served.address)
    return sweep_id


async def test_only_what_failed_is_measured_again_and_all_figures_are_shown_together(
    served: Served,
) -> None:
    first = await failed_sweep(served)
    retry = ("retry", "nightly", "--failed", "--controller", served.address)
    with running(*retry) as retrying:
        second = retrying.output.wait_for(r"sweep (\w+): 1 job again, beside 2 figures")[1]
        async with connected_device(served) as device:
            assert await device.measure() == SECOND
        assert retrying.process.wait() == 0
    shown = await asyncio.to_thread(served.command, "results", "--sweep", second, "--json")
    figures = {each["backbone"]: each["sweep_id"] for each in json.loads(shown)}
    assert figures == {FIRST: first, SECOND: second, THIRD: first}
    before, after = served.listed(first), served.listed(second)
    assert (before["jobs_failed"], after["jobs_failed"]) == (1, 0)
    assert (after["retry_of"], after["name"], after["phase"]) == (first, "nightly", "ended")
    # The newest of that name left nothing undone.
    done = await asyncio.to_thread(edgerank, "retry", "nightly", address=served.address)
    assert done.returncode == 3


async def test_whoever_asks_again_is_told_of_the_same_sweep_also_after_a_kill(
    served: Served,
) -> None:
    first = await failed_sweep(served)
    with running("retry", first, "--controller", served.address) as retrying:
        second = retrying.output.wait_for(r"sweep (\w+): 1 job again")[1]
        served.process.kill()
    served.start()
    with running("retry", first, "--controller", served.address) as retrying:
        assert retrying.output.wait_for(r"sweep (\w+): .* it was started")[1] == second
        async with connected_device(served) as device:
            assert await device.measure(fails=(SECOND,)) == SECOND
        assert retrying.process.wait() == 4
    # What fails again is retried by the id of where it did.
    with running("retry", second, "--controller", served.address) as retrying:
        third = retrying.output.wait_for(r"sweep (\w+): 1 job again, beside 2 figures")[1]
        assert third not in (first, second)
        async with connected_device(served) as device:
            assert await device.measure() == SECOND
        assert retrying.process.wait() == 0


async def test_a_sweep_that_goes_on_is_not_retried_and_what_was_cancelled_is(
    served: Served,
) -> None:
    sweep_id = await asyncio.to_thread(served.sweep, FIRST)
    done = await asyncio.to_thread(edgerank, "retry", sweep_id, address=served.address)
    assert done.returncode == 4
    await asyncio.to_thread(served.command, "cancel", sweep_id)
    failed = ("retry", sweep_id, "--failed")
    done = await asyncio.to_thread(edgerank, *failed, address=served.address)
    assert done.returncode == 3
    with running("retry", sweep_id, "--controller", served.address) as retrying:
        async with connected_device(served) as device:
            assert await device.measure() == FIRST
        assert retrying.process.wait() == 0
