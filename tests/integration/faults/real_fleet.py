"""A fleet of the command's own processes and a real runtime, on which faults fall one by one."""

import asyncio
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from controller.client import QueryClient
from controller.domain.sweeps import SweepSpec
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.faults.judging.causes import MAY_CAUSE
from tests.faults.judging.outcome import Outcome, read_database
from tests.faults.proxy import Link, Way
from tests.faults.schedules import Kind
from tests.processes import Running, running_agent, running_controller

BACKBONES: Final = ("PPLCNet_x0_25", "MobileNetV3_small_x0_35")
_WITHIN_S: Final = 240.0
_LOOK_S: Final = 0.05
_A_WHILE_S: Final = 1.0


class RealFleet:
    """One controller, one agent, and the link between them.

    Attributes:
        strayed: what anybody did that nothing explains.
    """

    def __init__(self, folder: Path, link: "ThreadedLink", stack: ExitStack) -> None:
        self.state_dir = folder / "controller"
        self.strayed: list[str] = []
        self._agent_dir = folder / "agent"
        self._link = link
        self._stack = stack
        self.controller = self.start_controller()
        self.agent = self.start_agent()

    def start_controller(self) -> Running:
        """Start a controller, to which the link leads from now on."""
        context = running_controller(self.state_dir)
        self.controller, self.address = self._stack.enter_context(context)
        host, _, port = self.address.rpartition(":")
        self._link.change(lambda link: setattr(link, "target", (host, int(port))))
        return self.controller

    def start_agent(self) -> Running:
        """Start an agent; returns when it is connected."""
        context = running_agent(self._link.address, "board", self._agent_dir)
        self.agent = self._stack.enter_context(context)
        return self.agent

    def start_sweep(self) -> None:
        """Ask for every backbone, twice."""
        spec = SweepSpec(
            backbones=BACKBONES,
            devices=("board",),
            runtimes=(Runtime.ONNXRUNTIME,),
            threads=(1,),
            weights=WeightsKind.SYNTHETIC,
            fewest_repetitions=2,
            most_repetitions=2,
            relative_half_width=0.5,
            time_budget_ms=300,
        )
        with QueryClient(self.address) as client:
            client.start_sweep(spec)

    def await_converting(self) -> None:
        """Return when a conversion is under way, or none is any more."""
        work = self.state_dir / "work"
        self._await(lambda: any(work.glob("*/*")) or self._is_none_in("converting"))

    def await_measuring(self) -> None:
        """Return when the agent's process begins to measure once more, or the sweep has ended."""
        before = self._count_measuring()
        self._await(lambda: self._count_measuring() > before or self._has_ended())

    def await_end_of_sweep(self) -> None:
        """Return when the sweep has ended."""
        self._await(self._has_ended)

    def strike(self, kind: Kind) -> None:
        """Let something happen, and end it."""
        _STRIKES[kind](self, self._link)

    def end(self) -> None:
        """End both in peace, the agent when it has delivered all that it had."""
        self._await(lambda: not self._spooled())
        for name, process in (("agent", self.agent), ("controller", self.controller)):
            if (code := process.stop()) != 0:
                self.strayed.append(f"the {name} ended on SIGTERM with {code}")

    def outcome(self, kinds: list[Kind]) -> Outcome:
        """How it ended, after this."""
        device = (self._agent_dir / "device_id").read_text().strip()
        return Outcome(
            **vars(read_database(self.state_dir / "controller.sqlite")),
            spooled={device: self._spooled()},
            strayed=tuple(self.strayed),
            causes={device: tuple(MAY_CAUSE[kind] for kind in kinds)},
        )

    def _count_measuring(self) -> int:
        return sum("measuring" in line for line in tuple(self.agent.output.lines))

    def _has_ended(self) -> bool:
        return self._is_none_in("converting") and self._is_none_in("measuring")

    def _is_none_in(self, phase: str) -> bool:
        with closing(sqlite3.connect(self.state_dir / "controller.sqlite", timeout=30)) as database:
            found = database.execute("SELECT count(*) FROM sweeps WHERE phase = ?", (phase,))
            return bool(found.fetchone() == (0,))

    def _spooled(self) -> tuple[str, ...]:
        with closing(sqlite3.connect(self._agent_dir / "spool.sqlite", timeout=30)) as spool:
            return tuple(row[0] for row in spool.execute("SELECT attempt_id FROM report"))

    def _await(self, is_so: Callable[[], bool]) -> None:
        until_s = time.monotonic() + _WITHIN_S
        while not is_so():
            if time.monotonic() > until_s:
                self.strayed.append("what was waited for did not come")
                return
            time.sleep(_LOOK_S)


class ThreadedLink:
    """A link whose event loop runs in a thread of its own."""

    def __init__(self) -> None:
        self._link = Link()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._link.open("127.0.0.1", 0), self._loop).result()
        self.address = f"127.0.0.1:{self._link.port}"

    def change(self, change: Callable[[Link], object]) -> None:
        """Let something happen to it."""

        async def do() -> None:
            change(self._link)

        asyncio.run_coroutine_threadsafe(do(), self._loop).result()

    def close(self) -> None:
        """Lead nowhere, and end its thread."""
        asyncio.run_coroutine_threadsafe(self._link.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def real_fleet(folder: Path) -> Iterator[RealFleet]:
    """A fleet whose processes have ended at the end of the block."""
    link = ThreadedLink()
    try:
        with ExitStack() as stack:
            yield RealFleet(folder, link, stack)
    finally:
        link.close()


def _kill_controller(fleet: RealFleet, _: ThreadedLink) -> None:
    fleet.controller.kill()
    fleet.start_controller()


def _terminate_controller(fleet: RealFleet, _: ThreadedLink) -> None:
    if (code := fleet.controller.stop()) != 0:
        fleet.strayed.append(f"the controller ended on SIGTERM with {code}")
    fleet.start_controller()


def _kill_agent(fleet: RealFleet, _: ThreadedLink) -> None:
    fleet.agent.kill()
    fleet.start_agent()


def _terminate_agent(fleet: RealFleet, _: ThreadedLink) -> None:
    if (code := fleet.agent.stop()) != 0:
        fleet.strayed.append(f"the agent ended on SIGTERM with {code}")
    fleet.start_agent()


def _stop_controller(fleet: RealFleet, _: ThreadedLink) -> None:
    _stop(fleet.controller)


def _stop_agent(fleet: RealFleet, _: ThreadedLink) -> None:
    _stop(fleet.agent)


def _stop(running: Running) -> None:
    running.process.send_signal(signal.SIGSTOP)
    time.sleep(_A_WHILE_S)
    running.process.send_signal(signal.SIGCONT)


def _fill_agents_disk(fleet: RealFleet, _: ThreadedLink) -> None:
    _fill_disk(fleet.agent)


def _fill_controllers_disk(fleet: RealFleet, _: ThreadedLink) -> None:
    _fill_disk(fleet.controller)


def _fill_disk(running: Running) -> None:
    pid = running.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    time.sleep(_A_WHILE_S)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


def _cut_link(_: RealFleet, link: ThreadedLink) -> None:
    link.change(Link.cut)


def _slow_link(_: RealFleet, link: ThreadedLink) -> None:
    _for_a_while(link, lambda each: setattr(each, "is_slow", True))


def _halve_link(_: RealFleet, link: ThreadedLink) -> None:
    _for_a_while(link, lambda each: setattr(each, "dead", Way.UP))


def _for_a_while(link: ThreadedLink, change: Callable[[Link], object]) -> None:
    link.change(change)
    time.sleep(_A_WHILE_S)
    link.change(Link.heal)


_STRIKES: Final[Mapping[Kind, Callable[[RealFleet, ThreadedLink], None]]] = {
    Kind.CONTROLLER_KILLED: _kill_controller,
    Kind.CONTROLLER_TERMINATED: _terminate_controller,
    Kind.CONTROLLER_STOPPED: _stop_controller,
    Kind.CONTROLLER_DISK_FULL: _fill_controllers_disk,
    Kind.AGENT_KILLED: _kill_agent,
    Kind.AGENT_TERMINATED: _terminate_agent,
    Kind.AGENT_STOPPED: _stop_agent,
    Kind.AGENT_DISK_FULL: _fill_agents_disk,
    Kind.LINK_CUT: _cut_link,
    Kind.LINK_SLOWED: _slow_link,
    Kind.LINK_HALVED_UP: _halve_link,
}
STRIKABLE: Final = tuple(_STRIKES)
