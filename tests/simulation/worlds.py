"""A fleet and its controller in one simulated world, and the log of what happens there."""

import asyncio
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.catalog.catalog import Catalog
from protos.fleet import Hello
from tests.simulation.controllers import Controller
from tests.simulation.devices import Device
from tests.simulation.fairness import TurnTaking
from tests.simulation.machine.loop import SimulatedLoop
from tests.simulation.machine.storage import Leased, Storage
from tests.simulation.machine.streams import Stream
from tests.simulation.schedules import Schedule
from tests.simulation.surroundings import Hears

# 17 November 2026.
_BEGINS_AT_UNIX_MS: Final = 1_795_000_000_000
_BOOT_S: Final = 60.0
# A look asks for all attempts that are out, and most find nothing; leases live for 15 s, and longer
# the more agents there are.
_LOOK_S: Final = 4.0
_DEVICES_A_LOOK_S: Final = 1_000


@dataclass
class SimulatedClock:
    """The controller's clock in simulated time; it may be set.

    Attributes:
        added_ms: by what it is off, ms.
        since_s: when the machine was started, for what never goes back.
    """

    loop: SimulatedLoop
    added_ms: int = 0
    since_s: float = 0.0

    def true_unix_ms(self) -> int:
        """What a clock that nobody sets would tell."""
        return _BEGINS_AT_UNIX_MS + round(1_000 * self.loop.time())

    def unix_ms(self) -> int:
        return self.true_unix_ms() + self.added_ms

    def monotonic_ms(self) -> int:
        return round(1_000 * (self.loop.time() - self.since_s))


class World:
    """Everything of a schedule.

    Attributes:
        schedule: which one.
        devices: in their order.
        controller: the one that lives; None while there is none.
        clock: the controller's.
        refused: backbones that cannot be converted now.
        cancelled: ids of sweeps that people cancelled.
        strayed: what nothing explains, in words.
        statements: that databases of controllers that are no more were asked.
        leases: how many were given.
        lives: how many controllers there were.
    """

    def __init__(
        self, schedule: Schedule, loop: SimulatedLoop, folder: Path, catalog: Catalog
    ) -> None:
        """`folder` has the database."""
        self.schedule = schedule
        self.loop = loop
        self.rng = random.Random(f"{schedule.seed} world")
        self.catalog = catalog
        self.clock = SimulatedClock(loop)
        self.controller: Controller | None = None
        self.refused: frozenset[str] = frozenset()
        self.cancelled: set[str] = set()
        self.strayed: list[str] = []
        self.statements = 0
        self.leases = 0
        self.lives = 0
        self.troubled_until_s = 0.0
        self._folder = folder
        self._turns = TurnTaking()
        self._log = hashlib.sha256()
        self._came: asyncio.Event = asyncio.Event()
        self.devices = [Device(number, self) for number in range(schedule.size.devices)]

    @property
    def path(self) -> Path:
        """Of the database."""
        return self._folder / "controller.sqlite"

    @property
    def digest(self) -> str:
        """Of all that was noted: the same where the same happened."""
        return self._log.hexdigest()

    def unix_ms(self) -> int:
        return self.clock.true_unix_ms()

    def note(self, what: str, *facts: object) -> None:
        told = " ".join(map(str, facts))
        self._log.update(f"{self.loop.time():.6f} {what} {told}\n".encode())

    def stray(self, what: str) -> None:
        self.note("strays", what)
        self.strayed.append(f"after {self.loop.time():.1f} s: {what}")

    def dial(self, device: Hears, hello: Hello) -> Stream | None:
        controller = self.controller
        if controller is None or not controller.is_serving:
            return None
        stream = Stream(self.rng, device.hear, lambda: controller.stands_until_s)
        # Hello comes after a moment, if the stream and the controller are still there then.
        opens_s = max(self.loop.time(), controller.stands_until_s)
        at_s = opens_s + self.rng.uniform(0.001, 0.05)
        self.loop.call_at(at_s, _answer, controller, stream, hello)
        return stream

    async def start_controller(self) -> None:
        """Start one where the one before was; it may die before it serves."""
        self.lives += 1
        self.note("starts", "controller", self.lives)
        self.clock.since_s = self.loop.time() - self.rng.uniform(0, 1e6)
        storage = Storage(self.path, self._on_leased, self._let_die_soon)
        controller = Controller(
            storage,
            self._folder,
            self.catalog,
            self.clock,
            rng=self.rng,
            refused=lambda: self.refused,
            look_s=max(_LOOK_S, len(self.devices) / _DEVICES_A_LOOK_S),
        )
        self.controller = controller
        starting = controller.do(controller.start())
        await asyncio.wait({starting})
        if not starting.cancelled() and (error := starting.exception()) is not None:
            self.stray(f"a controller did not start: {error!r}")
        if controller.is_serving:
            self._came.set()

    def let_die(self) -> None:
        """End the controller at once, with all streams to it."""
        controller, self.controller = self.controller, None
        if controller is None:
            return
        self.note("dies", "controller", self.lives)
        controller.die()
        self.statements += controller.storage.statements
        for device in self.devices:
            if device.stream is not None:
                device.stream.cut(up_s=0.0, down_s=self.rng.uniform(0.0, 0.1))
        # After its tasks have ended, as a process's files are closed.
        self.loop.call_later(0.001, controller.storage.close)
        self._came.clear()

    async def serving(self) -> Controller:
        """The controller, once there is one that serves."""
        while self.controller is None or not self.controller.is_serving:
            await self._came.wait()
        return self.controller

    def trouble(self, for_s: float) -> None:
        """For so long, nobody is blamed for waiting."""
        self.troubled_until_s = max(self.troubled_until_s, self.loop.time() + for_s)

    def start_devices(self) -> None:
        """Start all agents, within a minute."""
        for device in self.devices:
            self.loop.call_later(self.rng.uniform(0.0, _BOOT_S), device.start)

    def on_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """What a task or a callback ended with that nobody awaits."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.stray(f"{context.get('message')}: {error!r}")

    def _let_die_soon(self) -> None:
        self.loop.call_soon(self.let_die)

    def _on_leased(self, leased: Leased) -> None:
        self.leases += 1
        self.note("leases", leased.device, leased.attempt_id)
        for unfair in self._turns.unfair(leased.device, leased.chosen, leased.others):
            self.stray(unfair)
        if leased.twin:
            self.stray(f"{leased.attempt_id} and {leased.twin} have one turn")


def _answer(controller: Controller, stream: Stream, hello: Hello) -> None:
    if not stream.is_cut and controller.is_serving:
        controller.answer(stream, hello)
