"""Lets a schedule's faults happen: each has a sudden part, and mostly an end that comes later."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from tests.faults.agents import Agent
from tests.faults.fleet import ENDS_WITHIN_S, Fleet
from tests.faults.judging.causes import MAY_CAUSE
from tests.faults.processes import Child
from tests.faults.proxy import Link, Way
from tests.faults.schedules import Fault, Kind
from tests.faults.telling import Reply, Told
from tests.faults.visits import (
    NOBODY_ANY_MORE,
    NOBODY_THERE,
    Statuses,
    repeat_reports,
    report_for_others,
    speak_another_protocol,
)

_Rest = Coroutine[Any, Any, None]


class Striker:
    """Knows which faults are to come, and which came.

    Attributes:
        struck: those that came.
        is_over: whether none come any more.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.struck: list[Fault] = []
        self.is_over = False
        self._to_come = list(faults)
        self._resting: set[asyncio.Task[None]] = set()

    def on_told(self, fleet: Fleet, agent: Agent, told: Told) -> Reply:
        """Let happen what is to happen now; how the agent goes on."""
        count = agent.told[told.stage]
        due = [
            fault
            for fault in self._to_come
            if (fault.agent, fault.stage, fault.nth) == (agent.index, told.stage, count)
        ]
        for fault in due:
            self._to_come.remove(fault)
            if fault.after_ms:
                self._rest(fleet.do(self._strike_later(fleet, agent, fault)))
            else:
                self._strike(fleet, agent, fault)
        return _reply(tuple(fault for fault in due if fault in self.struck))

    async def rest(self) -> None:
        """Return when all that was struck is over."""
        while self._resting:
            await asyncio.wait(self._resting)

    async def _strike_later(self, fleet: Fleet, agent: Agent, fault: Fault) -> None:
        await asyncio.sleep(fault.after_ms / 1_000)
        self._strike(fleet, agent, fault)

    def _strike(self, fleet: Fleet, agent: Agent, fault: Fault) -> None:
        is_of_all = MAY_CAUSE[fault.kind].is_of_all
        # Of what is not there, nothing can be struck.
        if self.is_over or not (fleet.is_served if is_of_all else agent.is_there):
            return
        self.struck.append(fault)
        if MAY_CAUSE[fault.kind].refuses:
            for each in fleet.agents if is_of_all else [agent]:
                each.may_be_refused = True
        rest = _STRIKES[fault.kind](fleet, agent, fault)
        if rest is not None:
            self._rest(fleet.do(rest))

    def _rest(self, task: asyncio.Task[None]) -> None:
        self._resting.add(task)
        task.add_done_callback(self._resting.discard)


def _reply(due: tuple[Fault, ...]) -> Reply:
    clocks = [fault.amount for fault in due if fault.kind is Kind.AGENT_CLOCK_SET]
    kinds = {fault.kind for fault in due}
    return Reply(
        crashes=Kind.CHILD_CRASHED in kinds,
        forgets=Kind.REPORT_NOT_FORGOTTEN not in kinds,
        clock_ms=clocks[-1] if clocks else None,
    )


def _controller(fleet: Fleet) -> Child:
    assert fleet.controller is not None
    return fleet.controller


def _process(agent: Agent) -> Child:
    assert agent.child is not None
    return agent.child


def _kill_controller(fleet: Fleet, _: Agent, fault: Fault) -> _Rest:
    _controller(fleet).kill()
    return fleet.restart_controller(fault.lasts_ms)


def _set_controllers_clock(fleet: Fleet, agent: Agent, fault: Fault) -> _Rest:
    fleet.controller_clock_ms = fault.amount
    return _kill_controller(fleet, agent, fault)


def _kill_controller_twice(fleet: Fleet, _: Agent, fault: Fault) -> _Rest:
    first = _controller(fleet)
    first.kill()

    async def again() -> None:
        await first.has_ended.wait()
        await asyncio.sleep(fault.lasts_ms / 1_000)
        starting = asyncio.create_task(fleet.start_controller())
        await asyncio.sleep(fault.amount / 1_000)
        _controller(fleet).kill()
        await starting
        await fleet.restart_controller(0)

    return again()


def _terminate_controller(fleet: Fleet, _: Agent, fault: Fault) -> _Rest:
    async def end() -> None:
        await fleet.end_controller()
        await fleet.restart_controller(fault.lasts_ms)

    _controller(fleet).is_ending = True
    _controller(fleet).signal(signal.SIGTERM)
    return end()


def _stop_controller(fleet: Fleet, _: Agent, fault: Fault) -> _Rest:
    return _stop(_controller(fleet), fault)


def _fill_controllers_disk(fleet: Fleet, _: Agent, fault: Fault) -> _Rest:
    return _fill_disk(_controller(fleet), fault)


def _kill_agent(_: Fleet, agent: Agent, fault: Fault) -> _Rest:
    child = _process(agent)
    child.kill()
    return _start_again(agent, child, fault)


def _terminate_agent(_: Fleet, agent: Agent, fault: Fault) -> _Rest:
    async def end() -> None:
        child = _process(agent)
        await agent.end(ENDS_WITHIN_S)
        await _start_again(agent, child, fault)

    _process(agent).is_ending = True
    _process(agent).signal(signal.SIGTERM)
    return end()


def _stop_agent(_: Fleet, agent: Agent, fault: Fault) -> _Rest:
    return _stop(_process(agent), fault)


def _fill_agents_disk(_: Fleet, agent: Agent, fault: Fault) -> _Rest:
    return _fill_disk(_process(agent), fault)


def _set_agents_clock(_: Fleet, agent: Agent, fault: Fault) -> None:
    # The process that is there was answered so.
    agent.clock_ms = fault.amount


def _stop(child: Child, fault: Fault) -> _Rest:
    async def go_on() -> None:
        await asyncio.sleep(fault.lasts_ms / 1_000)
        child.signal(signal.SIGCONT)

    child.signal(signal.SIGSTOP)
    return go_on()


def _fill_disk(child: Child, fault: Fault) -> _Rest:
    async def make_room() -> None:
        await asyncio.sleep(fault.lasts_ms / 1_000)
        child.let_write(is_allowed=True)

    child.let_write(is_allowed=False)
    return make_room()


async def _start_again(agent: Agent, child: Child, fault: Fault) -> None:
    await child.has_ended.wait()
    await asyncio.sleep(fault.lasts_ms / 1_000)
    agent.start_again()


def _on_links(change: Callable[[Link, Fault], None]) -> Callable[[Fleet, Agent, Fault], _Rest]:
    """A fault that changes an agent's links, for a while."""

    def strike(_: Fleet, agent: Agent, fault: Fault) -> _Rest:
        async def heal() -> None:
            await asyncio.sleep(fault.lasts_ms / 1_000)
            for link in agent.links:
                link.heal()

        for link in agent.links:
            change(link, fault)
        return heal()

    return strike


def _cut(link: Link, _: Fault) -> None:
    link.is_refusing = True
    link.cut()


def _cut_in_transfer(_: Fleet, agent: Agent, fault: Fault) -> None:
    for link in agent.links:
        link.cut_after_bytes = fault.amount


def _slow(link: Link, _: Fault) -> None:
    link.is_slow = True


def _halve_up(link: Link, _: Fault) -> None:
    link.dead = Way.UP


def _halve_down(link: Link, _: Fault) -> None:
    link.dead = Way.DOWN


def _visited(
    visit: Callable[[Fleet, Agent], Coroutine[Any, Any, str | None]],
) -> Callable[[Fleet, Agent, Fault], _Rest]:
    """Somebody comes who says what no agent of ours says now."""

    async def come(fleet: Fleet, agent: Agent, _: Fault) -> None:
        wrong = await visit(fleet, agent)
        if wrong is not None:
            fleet.strayed.append(wrong)

    return come


async def _repeat(fleet: Fleet, agent: Agent) -> str | None:
    reports = [made.report for made in agent.made.values()]
    async with fleet.channel_of(agent) as channel:
        return await repeat_reports(channel, agent.name, reports, _explained(agent))


async def _come_with_another_protocol(fleet: Fleet, agent: Agent) -> str | None:
    async with fleet.channel_of(agent) as channel:
        return await speak_another_protocol(channel, agent.name, _explained(agent))


def _explained(agent: Agent) -> Statuses:
    """How a visitor's stream may end who shows what the agent shows."""
    return NOBODY_ANY_MORE if agent.may_be_refused else NOBODY_THERE


async def _come_as_newer_stranger(fleet: Fleet, agent: Agent) -> str | None:
    async with fleet.channel_of(agent) as channel:
        return await report_for_others(channel, [made.report for made in fleet.made])


def _nothing_more(_: Fleet, __: Agent, ___: Fault) -> None:
    """What the agent itself does, since it was answered so."""


_STRIKES: Final[Mapping[Kind, Callable[[Fleet, Agent, Fault], _Rest | None]]] = {
    Kind.CONTROLLER_KILLED: _kill_controller,
    Kind.CONTROLLER_KILLED_TWICE: _kill_controller_twice,
    Kind.CONTROLLER_TERMINATED: _terminate_controller,
    Kind.CONTROLLER_STOPPED: _stop_controller,
    Kind.CONTROLLER_STOPPED_LONG: _stop_controller,
    Kind.CONTROLLER_DISK_FULL: _fill_controllers_disk,
    Kind.CONTROLLER_CLOCK_SET: _set_controllers_clock,
    Kind.AGENT_KILLED: _kill_agent,
    Kind.AGENT_TERMINATED: _terminate_agent,
    Kind.AGENT_STOPPED: _stop_agent,
    Kind.AGENT_STOPPED_LONG: _stop_agent,
    Kind.AGENT_DISK_FULL: _fill_agents_disk,
    Kind.AGENT_CLOCK_SET: _set_agents_clock,
    Kind.CHILD_CRASHED: _nothing_more,
    Kind.LINK_CUT: _on_links(_cut),
    Kind.LINK_CUT_IN_TRANSFER: _cut_in_transfer,
    Kind.LINK_SLOWED: _on_links(_slow),
    Kind.LINK_HALVED_UP: _on_links(_halve_up),
    Kind.LINK_HALVED_DOWN: _on_links(_halve_down),
    Kind.REPORT_REPEATED: _visited(_repeat),
    Kind.REPORT_NOT_FORGOTTEN: _nothing_more,
    Kind.OTHER_PROTOCOL: _visited(_come_with_another_protocol),
    Kind.NEWER_STRANGER: _visited(_come_as_newer_stranger),
    # Off for longer than it is good.
    Kind.CERTIFICATE_EXPIRED: _kill_agent,
}
