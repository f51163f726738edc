"""An agent that is told to wait for its turn waits for it, and dials once."""

import asyncio
from pathlib import Path

import pytest

from agent.link import dialling
from agent.link.line import Line
from agent.link.rhythm import Rhythm
from tests.integration.agent.link.fake_controller import FakeController, serving
from tests.integration.controller.domain_samples import hello

PATIENCE_S = 1.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that waits no longer for an answer than for a connection."""
    monkeypatch.setattr(dialling, "_ANSWERED_S", PATIENCE_S)


async def test_who_is_told_to_wait_does_not_dial_again_before(tmp_path: Path) -> None:
    async with serving(FakeController()) as controller:
        controller.turn.clear()
        controller.wait_ms = 600_000
        line = Line((f"127.0.0.1:{controller.port}",), None, tmp_path, lambda: 0)
        dialler = dialling.Dialler(line, Rhythm(), PATIENCE_S)
        welcomed = asyncio.create_task(dialler.dial(lambda: hello("phone")))
        # Longer than its own patience, several times.
        assert not (await asyncio.wait({welcomed}, timeout=3 * PATIENCE_S))[0]
        controller.turn.set()
        stream, _welcome = await welcomed
        stream.cancel()
        await line.close()
    assert controller.greetings == 1


async def test_whose_turn_does_not_come_when_it_was_told_dials_again(tmp_path: Path) -> None:
    async with serving(FakeController()) as controller:
        controller.turn.clear()
        controller.wait_ms = 1
        line = Line((f"127.0.0.1:{controller.port}",), None, tmp_path, lambda: 0)
        dialler = dialling.Dialler(line, Rhythm(), PATIENCE_S)
        welcomed = asyncio.create_task(dialler.dial(lambda: hello("phone")))
        await controller.greeted(2)
        controller.turn.set()
        stream, _welcome = await welcomed
        stream.cancel()
        await line.close()
    assert controller.greetings >= 2
