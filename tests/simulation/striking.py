"""Lets what a seed drew happen: each has a beginning, and mostly an end that comes by itself."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

from protos.reasons import ReasonCode
from tests.simulation import people
from tests.simulation.causes import Kind, befalls_all
from tests.simulation.devices import Device
from tests.simulation.schedules import Fault
from tests.simulation.worlds import World

# A controller that has nothing to ask dies all the same.
_DIES_WITHIN_S: Final = 3.0
_SEEN_LATE_S: Final = 20.0
_Rest = Coroutine[Any, Any, None]


class Striker:
    """Knows which faults are to come, and which came.

    Attributes:
        struck: those that came.
    """

    def __init__(self, world: World) -> None:
        self.struck: list[Fault] = []
        self._world = world
        self._resting: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Let each come in its time."""
        for fault in self._world.schedule.faults:
            self._world.loop.call_at(fault.at_s, self._strike, fault)

    async def rest(self) -> None:
        """Return when all have come, and are over."""
        last_s = max((fault.at_s for fault in self._world.schedule.faults), default=0.0)
        await asyncio.sleep(max(0.0, last_s - self._world.loop.time()) + 1)
        while self._resting:
            await asyncio.wait(self._resting)

    def _strike(self, fault: Fault) -> None:
        world = self._world
        is_of_device = fault.kind in _ON_DEVICES
        if is_of_device and not world.devices[fault.whom].is_there:
            return
        if befalls_all(fault.kind) and world.controller is None:
            return
        self.struck.append(fault)
        world.note("strikes", fault.kind.value, fault.whom)
        if is_of_device:
            _ON_DEVICES[fault.kind](world.devices[fault.whom], fault)
            return
        task = world.loop.create_task(_ON_WORLDS[fault.kind](world, fault))
        self._resting.add(task)
        task.add_done_callback(self._resting.discard)


def _fails_for(code: ReasonCode) -> Callable[[Device, Fault], None]:
    def strike(device: Device, _: Fault) -> None:
        device.ills.next_fails_for.append(code)

    return strike


def _set_clock(device: Device, fault: Fault) -> None:
    device.clock_ms = fault.amount


def _remember(device: Device, _: Fault) -> None:
    device.ills.remembers = True


def _hang_job(device: Device, fault: Fault) -> None:
    device.ills.hangs_s = fault.lasts_s


def _be_absurd(device: Device, _: Fault) -> None:
    device.ills.next_absurd = True


def _be_deadly(device: Device, _: Fault) -> None:
    device.ills.is_deadly = True


def _break(device: Device, fault: Fault) -> None:
    device.ills.fails_until_s = asyncio.get_running_loop().time() + fault.lasts_s


def _cut(device: Device, fault: Fault) -> None:
    device.lose_link(fault.lasts_s, up_s=0.0, down_s=0.0)


def _cut_unseen(device: Device, fault: Fault) -> None:
    device.lose_link(fault.lasts_s, up_s=_SEEN_LATE_S, down_s=0.0)


def _stall(device: Device, fault: Fault) -> None:
    if device.stream is not None:
        until_s = asyncio.get_running_loop().time() + fault.lasts_s
        device.stream.stalls_until_s = max(device.stream.stalls_until_s, until_s)


async def _kill_controller(world: World, fault: Fault) -> None:
    controller = world.controller
    if controller is None:
        return
    world.trouble(_DIES_WITHIN_S + fault.lasts_s)
    controller.storage.die_in(fault.amount // 2, when_committed=bool(fault.amount % 2))
    await asyncio.sleep(world.rng.uniform(0.0, _DIES_WITHIN_S))
    if not controller.is_dead:
        world.let_die()
    await asyncio.sleep(fault.lasts_s)
    if world.controller is None:
        await world.start_controller()


async def _stand_still(world: World, fault: Fault) -> None:
    if world.controller is not None:
        until_s = world.loop.time() + fault.lasts_s
        world.trouble(fault.lasts_s)
        world.controller.stands_until_s = max(world.controller.stands_until_s, until_s)


async def _fill_disk(world: World, fault: Fault) -> None:
    if world.controller is None:
        return
    storage = world.controller.storage
    world.trouble(fault.lasts_s)
    storage.is_full = True
    await asyncio.sleep(fault.lasts_s)
    storage.is_full = False


async def _set_controllers_clock(world: World, fault: Fault) -> None:
    world.clock.added_ms = fault.amount


async def _refuse(world: World, fault: Fault) -> None:
    used = sorted({name for sweep in world.schedule.sweeps for name in sweep.backbones})
    world.refused |= {used[fault.amount % len(used)]}


async def _if_it_can_be(work: _Rest) -> None:
    with suppress(people.NotNow):
        await work


_ON_DEVICES: Final[Mapping[Kind, Callable[[Device, Fault], None]]] = {
    Kind.AGENT_DIES: lambda device, fault: device.die(fault.lasts_s),
    Kind.AGENT_ENDS: lambda device, fault: device.end(fault.lasts_s),
    Kind.AGENT_HANGS: lambda device, fault: device.hang(fault.lasts_s),
    Kind.AGENT_CLOCK_SET: _set_clock,
    Kind.AGENT_REMEMBERS: _remember,
    Kind.JOB_HANGS: _hang_job,
    Kind.JOB_CRASHES: _fails_for(ReasonCode.CRASHED),
    Kind.JOB_IS_ABSURD: _be_absurd,
    Kind.JOB_KILLS_AGENT: _be_deadly,
    Kind.JOB_NOT_READY: _fails_for(ReasonCode.NOT_READY),
    Kind.FILE_DAMAGED: _fails_for(ReasonCode.ARTIFACT_DAMAGED),
    Kind.DEVICE_BROKEN: _break,
    Kind.LINK_CUT: _cut,
    Kind.LINK_CUT_UNSEEN: _cut_unseen,
    Kind.LINK_STALLS: _stall,
    Kind.REPORTS_REPEATED: lambda device, _: device.repeat_reports(),
}
_ON_WORLDS: Final[Mapping[Kind, Callable[[World, Fault], _Rest]]] = {
    Kind.CONTROLLER_KILLED: _kill_controller,
    Kind.CONTROLLER_STANDS_STILL: _stand_still,
    Kind.CONTROLLER_DISK_FULL: _fill_disk,
    Kind.CONTROLLER_CLOCK_SET: _set_controllers_clock,
    Kind.CONVERSION_REFUSED: _refuse,
    Kind.SWEEP_PAUSED: lambda world, fault: _if_it_can_be(
        people.pause(world, fault.whom, fault.lasts_s)
    ),
    Kind.SWEEP_CANCELLED: lambda world, fault: _if_it_can_be(people.cancel(world, fault.whom)),
    Kind.SWEEP_EDITED: lambda world, fault: _if_it_can_be(
        people.hurry(world, fault.whom, fault.amount)
    ),
    Kind.DEVICE_RESTS: lambda world, fault: _if_it_can_be(
        people.lay_up(world, fault.whom, fault.lasts_s, at_once=True)
    ),
    Kind.DEVICE_DRAINS: lambda world, fault: _if_it_can_be(
        people.lay_up(world, fault.whom, fault.lasts_s, at_once=False)
    ),
}
