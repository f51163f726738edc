"""One life of a controller: all that decides is the real one's, around it is simulated time."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from controller.conversions.converter import Converter
from controller.conversions.demand import Demand
from controller.conversions.requests import Listener
from controller.conversions.stored import Shelf
from controller.domain.devices import DeviceEventKind
from controller.domain.errors import EdgerankError
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.sessions import AgentSession
from controller.state.blobs import open_blobs
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.steering import Steering
from models.catalog.catalog import Catalog
from models.catalog.variants import Variant, WeightsKind
from protos.fleet import GiveBack, Heartbeat, Hello, Progress, Ready, Report
from tests.simulation.machine.storage import Storage
from tests.simulation.machine.streams import Request, Stream
from tests.simulation.preparing import outcome_of

# As the one that serves has them.
_STALL_MS: Final = 2_000
_FASTEST_CONVERSION_S: Final = 0.01
_SLOWEST_CONVERSION_S: Final = 20.0

ResultT = TypeVar("ResultT")
LIFE: ContextVar["Controller | None"] = ContextVar("life", default=None)
"""Whose work is done now: what it starts ends with it."""


def start_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, ResultT]
) -> asyncio.Task[ResultT]:
    """A task that ends with the life of the controller that starts it."""
    task = asyncio.Task(work, loop=loop)
    life = LIFE.get()
    if life is not None:
        life.takes_on(task)
    return task


class FakeConverter:
    """Takes its time, and makes nothing: the artifacts are there, or are refused."""

    def __init__(self, rng: random.Random, refused: Callable[[], frozenset[str]]) -> None:
        """`refused` names the backbones of which there is no artifact now."""
        self._rng = rng
        self._refused = refused
        self.demand = Demand()

    async def ensure(
        self,
        variants: Sequence[Variant],
        kind: WeightsKind,  # noqa: ARG002 - the real one's
        listener: Listener,
    ) -> None:
        """Tell of each variant in turn, as a real one does."""
        for variant in variants:
            await asyncio.sleep(self._rng.uniform(_FASTEST_CONVERSION_S, _SLOWEST_CONVERSION_S))
            outcome, key = outcome_of(variant, is_refused=variant.backbone in self._refused())
            await listener.on_outcome(variant, outcome, key)


class Controller:
    """From its start to its end, of which nobody tells it.

    Attributes:
        storage: its database.
        fleet: the real one.
        sweeps: the real ones.
        steering: the real one.
        is_dead: whether it is no more.
        is_serving: whether it can be asked.
        stands_until_s: until when it stands still.
    """

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        catalog: Catalog,
        clock: Clock,
        *,
        rng: random.Random,
        refused: Callable[[], frozenset[str]],
        look_s: float,
    ) -> None:
        """`look_s` is how often it looks after leases; the others are as `FakeConverter`'s."""
        database, changes = storage.database, Changes()
        self.storage = storage
        self.fleet = Fleet(database, changes, clock, "the-controllers-host")
        converter = FakeConverter(rng, refused)
        self.sweeps = Sweeps(
            database,
            catalog,
            self.fleet,
            cast(Converter, converter),
            changes,
            planner=Planner(Shelf(database, open_blobs(folder), folder / "weights"), catalog),
            clock=clock,
        )
        self.steering = Steering(database, self.fleet, changes, clock, demand=converter.demand)
        self.is_dead = False
        self.is_serving = False
        self.stands_until_s = 0.0
        self._clock = clock
        self._look_s = look_s
        self._loop = asyncio.get_running_loop()
        # In the order in which they began: they end in it, too.
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def takes_on(self, task: asyncio.Task[Any]) -> None:
        """This ends with it."""
        self._tasks[task] = None
        task.add_done_callback(lambda ended: self._tasks.pop(ended, None))

    def do(self, work: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
        """Let it do something; it is cancelled if the controller dies before."""
        context = copy_context()
        context.run(LIFE.set, self)
        task: asyncio.Task[ResultT] = context.run(self._loop.create_task, work)
        if self.is_dead:
            task.cancel()
        return task

    async def start(self) -> None:
        """Go on where the one before stopped."""
        await self.fleet.recover()
        self.is_serving = True
        self._loop.create_task(self._look_after_leases())
        await self.sweeps.recover()

    def die(self) -> None:
        """Be no more."""
        self.is_dead, self.is_serving = True, False
        self.storage.die()
        for task in tuple(self._tasks):
            task.cancel()

    def answer(self, stream: Stream, hello: Hello) -> None:
        """Serve an agent's stream, on which it said Hello."""
        stream.serving = self.do(self._serve(stream, hello))

    async def _serve(self, stream: Stream, hello: Hello) -> None:
        """As the service of the fleet does."""
        try:
            session = await self.fleet.connect(hello)
        except EdgerankError as error:
            stream.say_down(error)
            return
        hearing = asyncio.create_task(self._hear(session, stream.requests))
        how: DeviceEventKind | None = DeviceEventKind.LOST
        try:
            while (said := await session.outbox.get()) is not None:
                if isinstance(said, EdgerankError):
                    raise said
                stream.say_down(said)
            how = None
            if hearing.done():
                how = DeviceEventKind.LOST
                await hearing
                how = DeviceEventKind.LEFT
        except EdgerankError as error:
            stream.say_down(error)
        finally:
            hearing.cancel()
            stream.say_down(None)
            if not self.is_dead:
                with suppress(EdgerankError):
                    await self.fleet.disconnect(session, how)

    async def _hear(self, session: AgentSession, requests: "asyncio.Queue[Request]") -> None:
        try:
            while (said := await requests.get()) is not None:
                await self._handle(session, said)
        finally:
            session.outbox.put_nowait(None)

    async def _handle(self, session: AgentSession, said: Request) -> None:
        match said:
            case Heartbeat():
                await self.fleet.heartbeat(session, said)
            case Ready():
                self.fleet.ready_soon(session)
            case Progress():
                self.fleet.progress(session, said)
            case Report():
                await self.fleet.report(session, said)
            case GiveBack():
                await self.fleet.take_back(session, said)

    async def _look_after_leases(self) -> None:
        while True:
            before_ms = self._clock.monotonic_ms()
            await asyncio.sleep(self._look_s)
            await asyncio.sleep(max(0.0, self.stands_until_s - self._loop.time()))
            gap_ms = round(self._clock.monotonic_ms() - before_ms - 1_000 * self._look_s)
            if gap_ms > _STALL_MS:
                self.fleet.stood_still(gap_ms)
                continue
            with suppress(EdgerankError):
                await self.fleet.look_after_leases()
