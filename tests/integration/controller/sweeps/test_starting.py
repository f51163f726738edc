"""A sweep that is stored is led to its end, whatever becomes of whoever started it."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.state.database import Database
from controller.state.sweeps import list_sweeps
from controller.sweeps import lifecycle
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.starting import create_sweep
from models.conversion.pipeline import ToolMissing
from protos.reasons import ReasonCode
from tests.integration.controller.domain_samples import RUNTIME, SPEC, hello


def lack_a_tool(*_arguments: object) -> None:
    raise ToolMissing("paddlepaddle: missing")


async def test_a_caller_that_goes_away_while_its_sweep_is_stored_leaves_no_orphan(
    database: Database, fleet: Fleet, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, may_store, stored = threading.Event(), threading.Event(), threading.Event()

    def create_slowly(*arguments: Any) -> str:
        storing.set()
        may_store.wait()
        try:
            return create_sweep(*arguments)
        finally:
            stored.set()

    # So that the sweep ends without a conversion.
    monkeypatch.setattr("controller.conversions.fetching.resolve_weights", lack_a_tool)
    monkeypatch.setattr(lifecycle, "create_sweep", create_slowly)
    await fleet.connect(hello("phone"))
    starting = asyncio.create_task(sweeps.start(SPEC))
    await asyncio.to_thread(storing.wait)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert list_sweeps(database) == ()
    may_store.set()
    await asyncio.to_thread(stored.wait)
    (listed,) = list_sweeps(database)
    *_, last = [snapshot async for snapshot in sweeps.watch(listed.sweep_id)]
    assert last.phase is SweepPhase.ENDED


async def test_whoever_follows_is_told_once_what_was_left_out(
    fleet: Fleet, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.conversions.fetching.resolve_weights", lack_a_tool)
    board = hello("board")
    await fleet.connect(hello("phone"))
    await fleet.connect(replace(board, profile=replace(board.profile, runtimes=(RUNTIME,))))
    started = await sweeps.start(replace(SPEC, runtimes=()))
    assert started.job_count == 3
    assert [each.code for each in started.left_out] == [ReasonCode.RUNTIME_MISSING]
    # Also when it has ended.
    for _ in range(2):
        first, *others = [snapshot async for snapshot in sweeps.watch(started.sweep_id)]
        assert first.left_out == started.left_out
        assert all(each.left_out == () for each in others)
