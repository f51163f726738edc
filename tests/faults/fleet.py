"""One fleet of a schedule: a controller, its agents and their links, all of them real."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import grpc

from agent.link.channels import plain_channel, secure_channel
from agent.link.identity import load_identity
from controller.access.members import DEFAULT_LIFETIME_MS
from controller.api.doors import Wanted
from tests.faults.agents import Agent, Made
from tests.faults.judging.starving import Starving, waited_for_core_s
from tests.faults.processes import Child
from tests.faults.processes.stopping import to_the_end
from tests.faults.proxy import Link
from tests.faults.schedules import CERTIFICATE_LIFETIME_MS, LEASE_MS, Kind, Schedule
from tests.faults.simulated_controller import run_controller
from tests.faults.sweeping import Place, start_sweep
from tests.faults.telling import Reply, Told
from tests.faults.template import Template
from tests.processes import own_address
from tests.processes.ports import kept_port

# A stop takes at most 10 s; a busy machine a few more.
ENDS_WITHIN_S: Final = 40.0
_SWEEP_WITHIN_S: Final = 240.0
# As long on a machine that has no cores to give.
_MOST_TIMES: Final = 5
_EMPTY_WITHIN_S: Final = 90.0
_LOOK_S: Final = 0.1
# Longer than this nothing of a fleet may stand still unexplained.
_STALL_S: Final = 1.5
# Nor wait for a core through half of a lease: what it said in the other half may come too late.
_STARVED_S: Final = LEASE_MS / 2_000


class Fleet:
    """Starts and ends what a schedule needs; faults are others' business.

    Attributes:
        schedule: what it is of.
        agents: in the order of their devices.
        controller: its process; None before the first.
        controller_clock_ms: by what its clock is off, ms.
        strayed: what anybody did that nothing explains.
        stalls: how often the machine stood still.
    """

    def __init__(
        self,
        schedule: Schedule,
        template: Template,
        folder: Path,
        on_told: Callable[[Agent, Told], Reply],
    ) -> None:
        """`folder` is empty, `on_told` says how an agent goes on."""
        self.schedule = schedule
        self.state_dir = folder / "controller"
        self.controller: Child | None = None
        self.controller_clock_ms = 0
        self.strayed: list[str] = []
        self.stalls = 0
        self._template = template
        self._log = folder / "controller.log"
        self._kept = ExitStack()
        self._place = self._keep_place() if schedule.is_secured else Place("127.0.0.1", 0, None)
        self._doing: set[asyncio.Task[None]] = set()
        self._starving = Starving(most_s=_STARVED_S, within_s=LEASE_MS / 1_000)
        self.agents = [
            Agent(index, schedule.seed, folder, on_told=on_told) for index in range(schedule.agents)
        ]
        for agent in self.agents:
            # Whatever keeps it from renewing.
            agent.may_be_refused = self._is_short_lived

    @property
    def made(self) -> tuple[Made, ...]:
        """The reports that its agents had, in the order in which each had them."""
        return tuple(made for agent in self.agents for made in agent.made.values())

    @property
    def is_served(self) -> bool:
        """Whether a controller listens, and nobody ends it."""
        return self.controller is not None and self.controller.is_there

    async def start(self) -> None:
        """Start a controller, a sweep and the agents."""
        await asyncio.to_thread(self._template.copy_to, self.state_dir)
        self.do(self._watch_for_stalls())
        await self.start_controller()
        for agent in self.agents:
            await self._open_links(agent)
        devices = tuple(agent.name for agent in self.agents)
        await start_sweep(self.schedule, devices, self._place, self._template)
        for agent in self.agents:
            address = f"{_host_of(agent, self._place)}:{agent.links[0].port}"
            tokens = self._template.tokens(agent.name, address)
            agent.start(address, tokens if self.schedule.is_secured else iter(()))

    async def start_controller(self) -> None:
        """Start a controller where the one before was; returns when it listens, or has ended."""
        listening: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        child = Child(
            run_controller,
            self._wanted(),
            self.state_dir,
            self.controller_clock_ms,
            self._log,
            on_said=listening.set_result,
        )
        self.controller = child
        ended = asyncio.create_task(child.has_ended.wait())
        await asyncio.wait({listening, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if listening.done():
            self._place = Place(self._place.host, *listening.result())
            self.do(self._supervise(child))
            self._lead_links()
        elif not child.is_ending:
            self.strayed.append(f"the controller ended at its start with {child.exit_code}")

    async def restart_controller(self, after_ms: int) -> None:
        """Start the next controller, some time after the one that is being ended."""
        assert self.controller is not None
        for link in self._links():
            link.target = None
        await self.controller.has_ended.wait()
        await asyncio.sleep(after_ms / 1_000)
        await self.start_controller()

    async def end_controller(self) -> None:
        """Let it end, as a person would."""
        if self.controller is None or self.controller.has_ended.is_set():
            return
        if not await self.controller.terminate(ENDS_WITHIN_S):
            self.strayed.append("the controller did not end on SIGTERM")
        elif self.controller.has_spoken and self.controller.exit_code != 0:
            self.strayed.append(f"the controller ended on SIGTERM with {self.controller.exit_code}")

    @asynccontextmanager
    async def channel_of(self, agent: Agent) -> AsyncIterator[grpc.aio.Channel]:
        """A connection to where the agent's own leads, which shows what the agent's shows."""
        link = agent.links[-1]
        address = f"{_host_of(agent, self._place)}:{link.port}"
        identity = load_identity(agent.folder)
        async with (
            plain_channel(address)
            if identity is None
            else secure_channel(address, identity.authority_pem, identity)
        ) as channel:
            yield channel

    async def await_end_of_sweep(self) -> None:
        """Return when the sweep has ended, or is waited for no longer.

        While a busy machine gives no cores, nobody is to blame that it takes longer.
        """
        begun_s = time.monotonic()
        last_s = begun_s + _MOST_TIMES * _SWEEP_WITHIN_S
        path = self.state_dir / "controller.sqlite"
        with closing(sqlite3.connect(path, timeout=30, check_same_thread=False)) as database:
            while time.monotonic() < min(
                last_s, begun_s + _SWEEP_WITHIN_S + self._starving.waited_s
            ):
                # In a thread: a controller that stands still in the midst of a commit is waited
                # for, and who is to let it go on is this event loop. It is not closed under it.
                look = asyncio.to_thread(_has_no_sweep, database)
                if await to_the_end(look, on_stop=self._kill):
                    return
                await asyncio.sleep(_LOOK_S)
        self.strayed.append("the sweep did not end")

    async def settle(self) -> None:
        """End everybody in peace; agents that have reports yet deliver them before."""
        if not self.is_served:
            await self.start_controller()
        for agent in self.agents:
            await agent.end(ENDS_WITHIN_S)
        for agent in self.agents:
            if _spooled(agent):
                agent.start_again()
                await self._await_empty(agent)
                await agent.end(ENDS_WITHIN_S)
        await self.end_controller()

    async def close(self) -> None:
        """End whatever goes on still."""
        doing = tuple(self._doing)
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        children = [agent.child for agent in self.agents]
        self._kill()
        for child in (*children, self.controller):
            if child is not None:
                await child.has_ended.wait()
        for link in self._links():
            await link.close()
        self._kept.close()

    def _kill(self) -> None:
        for agent in self.agents:
            agent.kill()
        if self.controller is not None:
            self.controller.kill()

    def do(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something go on beside, at most as long as the fleet."""
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._done)
        return task

    def spooled(self) -> dict[str, tuple[str, ...]]:
        """The attempts whose reports are in spools, by device."""
        return {agent.name: _spooled(agent) for agent in self.agents}

    @property
    def _is_short_lived(self) -> bool:
        """Whether certificates end soon."""
        return any(fault.kind is Kind.CERTIFICATE_EXPIRED for fault in self.schedule.faults)

    def _keep_place(self) -> Place:
        """Where every controller with members listens: they dial its numbers, whoever is there."""
        host = own_address()
        port, fleet_port = (self._kept.enter_context(kept_port(host)) for _ in range(2))
        return Place(host, port, fleet_port)

    def _wanted(self) -> Wanted:
        lifetime_ms = CERTIFICATE_LIFETIME_MS if self._is_short_lived else DEFAULT_LIFETIME_MS
        return Wanted(
            host=self._place.host,
            port=self._place.port if self.schedule.is_secured else 0,
            fleet_port=self._place.fleet_port or 0,
            certificate_lifetime_ms=lifetime_ms,
        )

    async def _open_links(self, agent: Agent) -> None:
        agent.links = tuple(Link() for _ in range(2 if self.schedule.is_secured else 1))
        # What joined dials the controller's own number for members, on the host where it joined.
        numbers = (self._place.port, self._place.fleet_port or 0)
        for link, number in zip(agent.links, numbers, strict=False):
            await link.open(_host_of(agent, self._place), number if self.schedule.is_secured else 0)
        self._lead_links()

    def _lead_links(self) -> None:
        place = self._place
        for agent in self.agents:
            ports = (place.port, place.fleet_port or place.port)
            for link, port in zip(agent.links, ports, strict=False):
                link.target = (place.host, port)

    def _links(self) -> tuple[Link, ...]:
        return tuple(link for agent in self.agents for link in agent.links)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._doing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.strayed.append(f"who drives it failed: {task.exception()!r}")

    async def _supervise(self, child: Child) -> None:
        await child.has_ended.wait()
        if not child.is_ending:
            self.strayed.append(f"the controller ended of itself with {child.exit_code}")
            await self.start_controller()

    async def _await_empty(self, agent: Agent) -> None:
        until_s = time.monotonic() + _EMPTY_WITHIN_S
        while time.monotonic() < until_s:
            if not _spooled(agent):
                return
            await asyncio.sleep(_LOOK_S)

    async def _watch_for_stalls(self) -> None:
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(_LOOK_S)
            now_s = time.monotonic()
            self.stalls += now_s - before_s - _LOOK_S > _STALL_S
            self.stalls += self._starving.count(now_s, self._waited_s())

    def _waited_s(self) -> dict[int, float]:
        """How long each process waited for a core so far, s, by its id."""
        children = (self.controller, *(agent.child for agent in self.agents))
        pids = {child.pid for child in children if child is not None and child.is_there}
        waited = {pid: waited_for_core_s(pid) for pid in pids}
        return {pid: each for pid, each in waited.items() if each is not None}


def _host_of(agent: Agent, place: Place) -> str:
    """An address of this machine that is the agent's alone where its ports are the controller's."""
    return "127.0.0.1" if place.fleet_port is None else f"127.0.0.{2 + agent.index}"


def _has_no_sweep(database: sqlite3.Connection) -> bool:
    """Whether none is under way; not, while SQLite cannot tell."""
    query = "SELECT count(*) FROM sweeps WHERE phase IN ('converting', 'measuring')"
    try:
        return bool(database.execute(query).fetchone() == (0,))
    except sqlite3.OperationalError as error:
        # After 10 s of a writer that stopped between the two halves of the log's index.
        if str(error) != "locking protocol":
            raise
        return False


def _spooled(agent: Agent) -> tuple[str, ...]:
    path = agent.folder / "spool.sqlite"
    if not path.exists():
        return ()
    with closing(sqlite3.connect(path, timeout=30)) as spool:
        return tuple(row[0] for row in spool.execute("SELECT attempt_id FROM report"))
