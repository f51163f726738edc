"""One phone's life in the fleet: waited for, looked at, served, waited for again."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.artifacts.cache import ArtifactCache
from agent.bridge.adb.server import AdbServer, NoAdbServer, PhoneAway
from agent.bridge.adb.states import SILENT, is_ready, words_of
from agent.bridge.adb.watching import Watch
from agent.bridge.holding import Holding, Screen, Turns
from agent.bridge.looking import Look, look_at, memory_limit_bytes, runtimes_of
from agent.bridge.losses import PULSE_S, Losses
from agent.bridge.measuring import PhoneMeasurer
from agent.bridge.mirror import Mirror
from agent.bridge.phone import Phone
from agent.clock import now_unix_ms
from agent.device.profile import read_device_profile
from agent.link.connection import Connection, Introduction
from agent.link.dialling import ControllerUnreachable
from agent.link.kept.spool import Spool
from agent.link.line import Line
from agent.link.tasks import end_tasks
from agent.measuring.gate_watch import GateWatch
from agent.state_folder import locked_state_folder
from protos.log_lines import about, event_log
from protos.runtimes import Runtime, RuntimeInfo
from protos.traces import NO_SPANS, Spans

log = event_log(__name__)

# Reading a phone's files takes it some time, of which this is to be much.
_LOAD_WINDOW_S: Final = 1.0
# A phone that answers none of so many pulses hangs.
_MOST_MISSED: Final = 3
_AGAIN_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants of phones.

    Attributes:
        runner_folder: where the runner and the runtimes' libraries are, or folders of these by
            architecture; None where each runtime has a program.
        programs: runtimes' own programs, which measure in the runner's place: files, or folders
            of these by architecture.
        screen: what their screens are to do while they measure.
        root: whether their governors may be set.
        one_per_hub: whether phones of one hub measure one after the other.
        power_cycle: a command of this computer's shell that takes the power from one that hangs,
            whose serial is in EDGERANK_SERIAL; empty is none.
        pulse_s: how often a phone is asked for a sign of life, and how long that may take it.
    """

    runner_folder: Path | None
    programs: Mapping[Runtime, Path] = field(default_factory=dict)
    screen: Screen = Screen.AS_IT_IS
    root: bool = False
    one_per_hub: bool = False
    power_cycle: str = ""
    pulse_s: float = PULSE_S


@dataclass(frozen=True, kw_only=True)
class FleetSide:
    """How phones are presented to the fleet.

    Attributes:
        line: the way to the controller of a device whose state is in a folder, and its id.
        folder: what is kept of each phone is in a folder of its own below it.
        name: of the one phone; None names each by its model and serial.
        labels: of all of them.
        cache_bytes: how much artifacts of each may take, here and there.
        connected: told where a phone is connected, and as what.
    """

    line: Callable[[Path], Awaitable[tuple[Line, str]]]
    folder: Path
    name: str | None
    labels: Mapping[str, str]
    replace: bool
    emulated_by: str
    cache_bytes: int
    connect_timeout_s: float
    connected: Callable[[str, str, tuple[RuntimeInfo, ...]], None]
    spans: Spans = NO_SPANS


def folder_of(folder: Path, serial: str) -> Path:
    """Where what is kept of a phone is."""
    return (
        folder
        / "phones"
        / "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in serial)
    )


@dataclass(kw_only=True)
class Life:
    """One phone.

    Attributes:
        server: of adb.
        watch: tells its state.
        turns: at hubs.
        serial: as adb names it.
    """

    server: AdbServer
    watch: Watch
    turns: Turns
    serial: str
    wish: Wish
    side: FleetSide
    _losses: dict[str, int] = field(default_factory=dict)
    _has_served: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve the phone whenever it is there, until `stop` is set.

        Raises:
            AgentError: it cannot be served, now or later.
        """
        folder = folder_of(self.side.folder, self.serial)
        with about(phone=self.serial), locked_state_folder(folder):
            while not stop.is_set():
                if not await self._until_ready(stop):
                    return
                try:
                    await self._serve(folder, stop)
                except (PhoneAway, NoAdbServer) as error:
                    log.warning("the phone went", why=error)
                    await asyncio.sleep(_AGAIN_S)
                except ControllerUnreachable as error:
                    if not self._has_served:
                        raise
                    log.warning("no controller answers", why=error)

    async def _until_ready(self, stop: asyncio.Event) -> bool:
        """Whether the phone can be used; not, where `stop` was set before."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not is_ready(state := self.watch.state_of(self.serial)):
                log.warning("waiting for the phone", why=words_of(self.serial, state))
                changing = asyncio.create_task(self._until_other_than(state))
                reviving = asyncio.create_task(self._revive(state))
                await asyncio.wait({stopping, changing}, return_when=asyncio.FIRST_COMPLETED)
                await end_tasks(changing, reviving)
                if stop.is_set():
                    return False
            return not stop.is_set()
        finally:
            await end_tasks(stopping)

    async def _until_other_than(self, state: str) -> None:
        await self.watch.until(lambda: self.watch.state_of(self.serial) != state)

    async def _serve(self, folder: Path, stop: asyncio.Event) -> None:
        """Join the fleet with the phone as it is, and leave it when the phone goes."""
        measurer, look = await asyncio.to_thread(self._prepared, folder, asyncio.get_running_loop())
        runtimes = measurer.runtimes
        line, device_id = await self.side.line(folder)
        name = self.side.name or look.name
        spool = Spool(folder / "spool.sqlite")
        profile = read_device_profile(measurer.roots, look.host, runtimes)
        connection = Connection(
            line=line,
            introduction=Introduction(
                device_id=device_id,
                name=name,
                labels={**self.side.labels, **self._own_labels()},
                profile=profile,
                replace=self.side.replace,
            ),
            measurer=measurer,
            cache=self._cache(folder),
            spool=spool,
            kept=[folder, folder / "spool.sqlite"],
            now_unix_ms=now_unix_ms,
            connect_timeout_s=self.side.connect_timeout_s,
            spans=self.side.spans,
        )

        def on_connected() -> None:
            self._has_served = True
            self.side.connected(line.address, name, runtimes)

        ending = asyncio.Event()
        watching = asyncio.create_task(self._end_when_gone(ending))
        pulse = asyncio.create_task(self._take_pulse())
        stopping = asyncio.create_task(_follow(stop, ending))
        try:
            await connection.run(ending, on_connected)
        finally:
            await end_tasks(watching, pulse, stopping)
            spool.close()

    def _prepared(
        self, folder: Path, loop: asyncio.AbstractEventLoop
    ) -> tuple[PhoneMeasurer, Look]:
        """What measures on the phone, once it was looked at and has what it needs."""
        phone = Phone(self.server, self.serial, self.side.cache_bytes)
        mirror = Mirror(phone, folder / "mirror")
        look = look_at(
            phone, mirror, self.wish.runner_folder, self.side.emulated_by, self.wish.programs
        )
        roots = mirror.roots
        gate_watch = GateWatch(roots=roots, load_window_s=_LOAD_WINDOW_S)
        gate_watch.look()
        holding = self._holding(phone)
        holding.restore()
        made = folder / "made"
        made.mkdir(exist_ok=True)
        measurer = PhoneMeasurer(
            runtimes=(),
            memory_limit_bytes=lambda: memory_limit_bytes(roots),
            roots=roots,
            gate_watch=gate_watch,
            usable_cpus=lambda: look.host.usable_cpus,
            phone=phone,
            kit=look.kit,
            folder=made,
            holding=holding,
            losses=self._told_apart(phone, loop),
        )
        measurer.runtimes = runtimes_of(measurer, made)
        return measurer, look

    def _told_apart(self, phone: Phone, loop: asyncio.AbstractEventLoop) -> Losses:
        def leave() -> None:
            """Without waiting for the pulse, so that nothing else is measured into the void."""
            asyncio.run_coroutine_threadsafe(self.watch.mark(self.serial, is_silent=True), loop)

        return Losses(
            phone=phone,
            pulse_s=self.wish.pulse_s,
            is_known_to_hang=lambda: self.watch.state_of(self.serial) == SILENT,
            on_hanging=leave,
            in_a_row=self._losses,
        )

    def _holding(self, phone: Phone) -> Holding:
        turn = None
        if self.wish.one_per_hub:
            places = {each.serial: each.place for each in self.server.listed()}
            turn = self.turns.of(places.get(self.serial, ""))
        return Holding(phone=phone, screen=self.wish.screen, root=self.wish.root, turn=turn)

    def _own_labels(self) -> dict[str, str]:
        return {} if self.wish.screen is Screen.AS_IT_IS else {"screen": self.wish.screen.value}

    def _cache(self, folder: Path) -> ArtifactCache:
        cache = ArtifactCache(folder / "artifacts", self.side.cache_bytes)
        cache.trim()
        return cache

    async def _end_when_gone(self, ending: asyncio.Event) -> None:
        await self.watch.until(lambda: not is_ready(self.watch.state_of(self.serial)))
        state = self.watch.state_of(self.serial)
        log.warning("the phone leaves the fleet", why=words_of(self.serial, state))
        ending.set()

    async def _take_pulse(self) -> None:
        """Ask the phone for a sign of life now and then; one that gives none hangs."""
        phone, missed = Phone(self.server, self.serial), 0
        while True:
            await asyncio.sleep(self.wish.pulse_s)
            missed = 0 if await self._answers(phone) else missed + 1
            if missed == _MOST_MISSED:
                # Its service ends by that, and with it this task.
                await self.watch.mark(self.serial, is_silent=True)

    async def _revive(self, state: str) -> None:
        """Take the power from a phone that hangs, if that can be done, and wait for its answer."""
        if state != SILENT:
            return
        if self.wish.power_cycle:
            log.warning("the phone's power is cycled", command=self.wish.power_cycle)
            process = await asyncio.create_subprocess_shell(
                self.wish.power_cycle, env={**os.environ, "EDGERANK_SERIAL": self.serial}
            )
            code = await process.wait()
            if code:
                log.warning("its power was not cycled", exit_code=code)
        phone = Phone(self.server, self.serial)
        while True:
            if await self._answers(phone):
                break
            await asyncio.sleep(self.wish.pulse_s)
        await self.watch.mark(self.serial, is_silent=False)

    async def _answers(self, phone: Phone) -> bool:
        with suppress(PhoneAway, NoAdbServer):
            return await asyncio.to_thread(phone.answers, self.wish.pulse_s)
        return False


async def _follow(stop: asyncio.Event, ending: asyncio.Event) -> None:
    await stop.wait()
    ending.set()
