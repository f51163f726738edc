"""Converting and measuring never share the controller's machine."""

import asyncio

from controller.fleet.host_gate import HostGate


async def test_a_conversion_waits_for_the_attempt_that_runs_here() -> None:
    quiet: list[str] = []
    gate = HostGate(lambda: quiet.append("quiet"))
    gate.attempt_started("a")
    order: list[str] = []

    async def convert() -> None:
        async with gate.converting():
            order.append("converting")

    waiting = asyncio.create_task(convert())
    await asyncio.sleep(0)
    assert not gate.may_measure()
    order.append("attempt ends")
    await gate.attempt_ended("a")
    await waiting
    assert order == ["attempt ends", "converting"]
    assert quiet == ["quiet"]


async def test_no_attempt_starts_here_until_the_last_conversion_ended() -> None:
    quiet: list[str] = []
    gate = HostGate(lambda: quiet.append("quiet"))
    async with gate.converting():
        async with gate.converting():
            assert not gate.may_measure()
        assert not gate.may_measure()
        assert quiet == []
    assert gate.may_measure()
    assert quiet == ["quiet"]
