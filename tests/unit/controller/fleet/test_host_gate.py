"""Converting and measuring never share the controller's machine, and neither waits for ever."""

import asyncio
from dataclasses import dataclass, field

import pytest

from controller.fleet.host_gate import TURN_MS, HostGate


@dataclass
class Host:
    """A gate on a clock of the test's own, and what happened."""

    now_ms: int = 0
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = HostGate(lambda: self.happened.append("quiet"), self)

    def unix_ms(self) -> int:
        return self.now_ms

    def monotonic_ms(self) -> int:
        return self.now_ms

    async def rest(self) -> None:
        self.happened.append("rest")

    async def convert(self, name: str) -> None:
        async with self.gate.working():
            self.happened.append(name)


@pytest.fixture
def host() -> Host:
    return Host()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_conversion_waits_for_the_attempt_that_runs_here(host: Host) -> None:
    host.gate.attempt_started("a")
    async with host.gate.converting():
        waiting = asyncio.create_task(host.convert("converted"))
        await settle()
        assert not host.gate.may_measure()
        assert host.happened == []
        await host.gate.attempt_ended("a")
        await waiting
    assert host.happened == ["converted", "quiet"]
    assert host.gate.may_measure()


async def test_no_attempt_starts_here_until_the_last_conversion_ended(host: Host) -> None:
    async with host.gate.converting():
        async with host.gate.converting():
            assert not host.gate.may_measure()
        assert not host.gate.may_measure()
        assert host.happened == []
    assert host.gate.may_measure()
    assert host.happened == ["quiet"]


async def waited_for_a_turn(host: Host) -> "asyncio.Task[None]":
    """The next conversion, while measuring has waited for as long as a turn is."""
    host.gate.measuring_waits()
    host.now_ms += TURN_MS - 1
    await host.convert("early")
    host.now_ms += 1
    later = asyncio.create_task(host.convert("later"))
    await settle()
    assert host.happened == ["early", "rest", "quiet"]
    assert host.gate.may_measure()
    return later


async def test_measuring_that_waited_long_has_a_turn_as_long(host: Host) -> None:
    async with host.gate.converting(host.rest):
        later = await waited_for_a_turn(host)
        for attempt in ("a", "b"):
            host.gate.attempt_started(attempt)
            await settle()
            host.now_ms += TURN_MS // 2
            await host.gate.attempt_ended(attempt)
        assert not host.gate.may_measure()
        await later


async def test_what_runs_is_waited_for_before_a_turn_is_given(host: Host) -> None:
    host.gate.measuring_waits()
    async with host.gate.converting(host.rest):
        async with host.gate.working():
            host.now_ms += TURN_MS
            later = asyncio.create_task(host.convert("later"))
            await settle()
            assert not host.gate.may_measure()
        await settle()
        assert host.gate.may_measure()
        host.gate.nothing_to_measure()
        await later
    assert host.happened == ["rest", "quiet", "later", "quiet"]


async def test_a_turn_that_nobody_takes_ends_at_once(host: Host) -> None:
    async with host.gate.converting(host.rest):
        later = await waited_for_a_turn(host)
        host.gate.nothing_to_measure()
        await later
        assert not host.gate.may_measure()


async def test_an_attempt_that_outlasts_its_turn_is_not_disturbed(host: Host) -> None:
    async with host.gate.converting(host.rest):
        later = await waited_for_a_turn(host)
        host.gate.attempt_started("sustained")
        host.now_ms += 10 * TURN_MS
        await settle()
        assert host.happened[-1] == "quiet"
        await host.gate.attempt_ended("sustained")
        await later
