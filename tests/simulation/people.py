"""People in simulated time: they start sweeps and change them, and look after devices."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from controller.access.callers import OWNER
from controller.domain.devices import Device as KnownDevice
from controller.domain.devices import DeviceCondition
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.editing import SweepEdit
from controller.state.devices import list_devices
from controller.state.sweeps import resolve_sweep
from controller.sweeps.planning import plan_sweep
from controller.sweeps.starting import Before
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.simulation.controllers import Controller
from tests.simulation.machine.storage import Killed
from tests.simulation.measuring import device_name
from tests.simulation.schedules import Asked
from tests.simulation.worlds import World

ResultT = TypeVar("ResultT")
# How often somebody looks whether a device is in quarantine, s.
_ROUND_S: Final = 600.0
_AGAIN_S: Final = 2.0
_DAY_MS: Final = 86_400_000


class NotNow(Exception):
    """What was asked for cannot be done any more."""


async def ask(
    world: World, wanted: Callable[[Controller], Coroutine[Any, Any, ResultT]]
) -> ResultT:
    """Ask whatever controller there is, again until one has answered.

    Raises:
        NotNow: what is asked for is over.
    """
    while True:
        controller = await world.serving()
        asking = controller.do(wanted(controller))
        await asyncio.wait({asking})
        with suppress(Killed, asyncio.CancelledError):
            try:
                return asking.result()
            except EdgerankError as error:
                if error.code in (ErrorCode.PRECONDITION, ErrorCode.UNKNOWN_NAME):
                    raise NotNow from error
                if error.code is not ErrorCode.STORAGE:
                    raise
        await asyncio.sleep(_AGAIN_S)


async def start_sweep(world: World, asked: Asked) -> None:
    """Start a sweep, once: who hears no answer looks whether it is there."""
    await asyncio.sleep(asked.starts_at_s)
    await ask(world, lambda controller: _start(world, controller, asked))
    world.note("started", asked.name)


async def sweep_id_of(world: World, number: int) -> str:
    """The id of a sweep, by its number.

    Raises:
        NotNow: it was not started yet.
    """
    wanted = world.schedule.sweeps[number].name
    return await ask(world, lambda controller: _find(controller, wanted))


async def cancel(world: World, number: int) -> None:
    """Cancel a sweep."""
    sweep_id = await sweep_id_of(world, number)
    # Whoever hears no answer may have cancelled it.
    world.cancelled.add(sweep_id)
    await ask(world, lambda controller: controller.sweeps.cancel(sweep_id))


async def pause(world: World, number: int, for_s: float) -> None:
    """Pause a sweep, and resume it."""
    sweep_id = await sweep_id_of(world, number)
    await ask(world, lambda controller: controller.steering.pause(sweep_id, "ann"))
    await asyncio.sleep(for_s)
    await ask(world, lambda controller: controller.steering.resume(sweep_id))


async def hurry(world: World, number: int, priority: int) -> None:
    """Make a sweep more or less urgent."""
    sweep_id = await sweep_id_of(world, number)
    edit = SweepEdit(sweep_id=sweep_id, priority=priority)
    await ask(world, lambda controller: controller.steering.edit(edit))


async def lay_up(world: World, number: int, for_s: float, *, at_once: bool) -> None:
    """Let a device rest, or drain it, and wake it."""
    device = await ask(world, lambda controller: _device(controller, device_name(number)))

    async def stop(controller: Controller) -> None:
        tending = controller.fleet.tending
        await (tending.rest if at_once else tending.drain)(device, OWNER)

    await ask(world, stop)
    await asyncio.sleep(for_s)
    await ask(world, partial(_wake, device))


async def look_after_devices(world: World) -> None:
    """Wake devices that are in quarantine, again and again."""
    while True:
        await asyncio.sleep(_ROUND_S)
        for device in await ask(world, _quarantined):
            world.note("wakes", device.name)
            await ask(world, partial(_wake, device))


async def _start(world: World, controller: Controller, asked: Asked) -> None:
    database = controller.storage.database
    with suppress(EdgerankError):
        resolve_sweep(database, asked.name)
        return
    known = list_devices(database, controller.fleet.connected())
    spec = _spec(world, asked)
    plan = plan_sweep(spec, known, world.catalog)
    await controller.sweeps.begin(spec, plan.jobs, Before(started_by=asked.person))


def _spec(world: World, asked: Asked) -> SweepSpec:
    due_ms = world.unix_ms() + _DAY_MS if asked.is_due else None
    return SweepSpec(
        backbones=asked.backbones,
        devices=tuple(map(device_name, asked.devices)),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=tuple(range(1, asked.threads + 1)),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=asked.repetitions[0],
        most_repetitions=asked.repetitions[1],
        relative_half_width=0.02,
        time_budget_ms=1_000,
        sentinel=asked.sentinel,
        name=asked.name,
        priority=asked.priority,
        deadline_unix_ms=due_ms,
    )


async def _find(controller: Controller, name: str) -> str:
    return resolve_sweep(controller.storage.database, name)


async def _device(controller: Controller, name: str) -> KnownDevice:
    known = list_devices(controller.storage.database, controller.fleet.connected())
    return next(each for each in known if each.name == name)


async def _wake(device: KnownDevice, controller: Controller) -> None:
    await controller.fleet.tending.wake(device, OWNER)


async def _quarantined(controller: Controller) -> tuple[KnownDevice, ...]:
    known = list_devices(controller.storage.database, controller.fleet.connected())
    return tuple(each for each in known if each.standing.condition is DeviceCondition.QUARANTINED)
