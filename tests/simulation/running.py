"""Runs the schedule of a seed in simulated time, heals everything, and judges how it ended."""

import asyncio
import logging
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from controller.state import committing
from models.catalog.catalog import load_catalog
from tests.faults.judging.checker import Violation
from tests.simulation import people
from tests.simulation.controllers import start_task
from tests.simulation.devices import Device
from tests.simulation.judging import count_jobs, judge
from tests.simulation.machine.loop import LoopThread, SimulatedLoop
from tests.simulation.preparing import begin_with
from tests.simulation.schedules import Fault, Schedule
from tests.simulation.striking import Striker
from tests.simulation.worlds import World

# When a thread begins: mostly soon, sometimes when a disk or a core is busy.
_SOON_S: Final = 0.004
_LATE_S: Final = 0.5
_RARELY: Final = 0.02
_LOOK_S: Final = 30.0
# A free device with a turn waits for no more than its messages and a busy disk.
_PATIENCE_S: Final = 8.0
_MOST_LOOKED_AT: Final = 100
# A controller that stands still sees nothing.
_SEEN_WITHIN_S: Final = 90.0
# So much longer than expected, and more, everything has ended.
_PATIENT_TIMES: Final = 20.0
_PATIENT_S: Final = 40_000.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """A schedule that was run.

    Attributes:
        schedule: which one.
        struck: the faults that came; others found nothing to strike.
        violations: what was wrong.
        jobs: how many its sweeps had.
        digest: of all that happened, in its order.
        simulated_s: how long it took there, s.
        leases: how many were given.
        statements: how many the database was asked.
        lives: how many controllers there were.
    """

    schedule: Schedule
    struck: tuple[Fault, ...]
    violations: tuple[Violation, ...]
    jobs: int
    digest: str
    simulated_s: float
    leases: int
    statements: int
    lives: int


def run_schedule(schedule: Schedule, template: Path, folder: Path) -> Run:
    """Run one in an empty folder: the same again each time.

    `template` is a database that `make_template` made.
    """
    begin_with(template, folder / "controller.sqlite", schedule.size.devices)
    threads = random.Random(f"{schedule.seed} threads")
    loop = SimulatedLoop(partial(_delay_s, threads))
    loop.set_task_factory(start_task)  # type: ignore[arg-type]
    world = World(schedule, loop, folder, load_catalog())
    striker = Striker(world)
    loop.set_exception_handler(world.on_error)
    with _simulated(schedule.seed):
        loop.run(_live_through(world, striker))
    return Run(
        schedule=schedule,
        struck=tuple(striker.struck),
        violations=judge(
            world.path,
            world.devices,
            striker.struck,
            frozenset(world.cancelled),
            world.strayed,
        ),
        jobs=count_jobs(world.path),
        digest=world.digest,
        simulated_s=loop.time(),
        leases=world.leases,
        statements=world.statements,
        lives=world.lives,
    )


async def _live_through(world: World, striker: Striker) -> None:
    await world.start_controller()
    world.start_devices()
    striker.begin()
    starting = [
        asyncio.create_task(people.start_sweep(world, asked)) for asked in world.schedule.sweeps
    ]
    watching = [
        asyncio.create_task(people.look_after_devices(world)),
        asyncio.create_task(_look_around(world)),
    ]
    await striker.rest()
    world.note("heals")
    for device in world.devices:
        device.heal()
    await asyncio.gather(*starting)
    most_s = _PATIENT_TIMES * world.schedule.expected_s + _PATIENT_S
    await _until_ended(world, most_s)
    for task in (*starting, *watching):
        task.cancel()
    await asyncio.sleep(1)
    world.let_die()
    await asyncio.sleep(1)


async def _until_ended(world: World, most_s: float) -> None:
    while world.loop.time() < most_s:
        if await _has_ended(world):
            return
        await asyncio.sleep(_LOOK_S)


async def _has_ended(world: World) -> bool:
    """Whether nothing is to come any more."""
    if not all(device.is_settled for device in world.devices):
        return False
    controller = await world.serving()
    return controller.storage.count_running() == 0 and not controller.storage.count_out()


async def _look_around(world: World) -> None:
    """Blame whoever lets a device wait that is free and has a turn, or sees one that is gone."""
    first = 0
    while True:
        await asyncio.sleep(_LOOK_S)
        _look_for_gone(world)
        free = [device for device in world.devices if _waits(world, device)]
        # Others in their turn, where there are many.
        first = first % max(1, len(free))
        suspects = (*free[first:], *free[:first])[:_MOST_LOOKED_AT]
        first += _MOST_LOOKED_AT
        waited = [(each, each.idle_since_s) for each in suspects if _could_lease(world, each)]
        if not waited:
            continue
        await asyncio.sleep(_PATIENCE_S)
        for device, since_s in waited:
            if device.idle_since_s == since_s and _waits(world, device):
                told = _could_lease(world, device)
                if told:
                    world.stray(f"{device.name} waits since {since_s} while it could lease {told}")


def _look_for_gone(world: World) -> None:
    """Blame whoever takes a device for connected that hung up long ago."""
    controller, now_s = world.controller, world.loop.time()
    if controller is None:
        return
    connected = controller.fleet.connected()
    for device in world.devices:
        is_gone = device.stream is None and now_s - device.hung_up_at_s > _SEEN_WITHIN_S
        if is_gone and device.name in connected:
            world.stray(f"{device.name} is taken for connected since {device.hung_up_at_s}")


def _waits(world: World, device: Device) -> bool:
    """Whether it waits for longer than messages take, and nothing is in their way."""
    now_s = world.loop.time()
    stream = device.stream
    return (
        device.idle_since_s is not None
        and now_s - device.idle_since_s > _PATIENCE_S
        and now_s > world.troubled_until_s + _PATIENCE_S
        and stream is not None
        and not stream.is_cut
        and now_s > stream.stalls_until_s + _PATIENCE_S
        and not device.is_standing
    )


def _could_lease(world: World, device: Device) -> str:
    controller = world.controller
    if controller is None or controller.is_dead:
        return ""
    return ", ".join(str(each) for each in controller.storage.waiting_for(device.name))


def _delay_s(rng: random.Random) -> float:
    return rng.uniform(0.0, _LATE_S if rng.random() < _RARELY else _SOON_S)


@contextmanager
def _simulated(seed: int) -> Iterator[None]:
    """Draw ids from the seed, which mostly are random, and have nothing done beside the loop."""
    rng = random.Random(f"{seed} ids")

    def draw() -> uuid.UUID:
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    in_loop = patch.object(committing, "ThreadPoolExecutor", LoopThread)
    with patch.object(uuid, "uuid4", draw), in_loop, _quiet():
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """What is wrong here is told by the checker."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
