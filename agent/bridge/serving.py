"""Serves the phones that a person named, or all that come."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Final

from agent.bridge.adb.server import AdbServer, Hanging
from agent.bridge.adb.states import GONE, is_ready, words_of
from agent.bridge.adb.watching import Watch
from agent.bridge.holding import Turns
from agent.bridge.life import FleetSide, Life, Wish, folder_of
from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.link.dialling import ControllerUnreachable
from agent.link.tasks import end_tasks
from protos.log_lines import event_log

log = event_log(__name__)

ALL: Final = "all"
"""In place of a serial: whatever phone comes."""
_AGAIN_S: Final = 15.0
ONLY: Final = ""
"""In place of a serial: the one that is there."""


class NoSuchPhone(AgentError):
    """What a person named is no phone that can be used."""

    exit_code = INPUT_EXIT_CODE


def chosen(hanging: Sequence[Hanging], named: str, kept: Path) -> str:
    """The serial of the phone that is meant.

    One that was served before may be away, and is waited for.

    Args:
        hanging: what hangs here now.
        named: a serial, or `ONLY`.
        kept: the folder that the bridge's state is in.

    Raises:
        NoSuchPhone: there is none, it cannot be told which, or it cannot be used.
    """
    states = {each.serial: each.state for each in hanging}
    if named == ONLY:
        if len(states) > 1:
            raise NoSuchPhone(
                f"several phones hang on this computer: name one of {', '.join(sorted(states))} "
                f"behind --adb, or {ALL}"
            )
        if not states:
            raise NoSuchPhone(
                "no phone hangs on this computer: plug one in, and switch USB debugging on in its "
                "developer options"
            )
        (named,) = states
    if folder_of(kept, named).exists():
        return named
    state = states.get(named, GONE)
    if state == GONE:
        seen = ", ".join(sorted(states)) or "none"
        raise NoSuchPhone(
            f"no phone {named} hangs on this computer: adb sees {seen}; plug it in, and switch USB "
            "debugging on in its developer options"
        )
    if not is_ready(state):
        raise NoSuchPhone(words_of(named, state))
    return named


async def serve_phones(
    server: AdbServer, named: str, wish: Wish, side: FleetSide, stop: asyncio.Event
) -> None:
    """Serve one phone or all, until `stop` is set.

    Raises:
        NoAdbServer: no adb server answers at the start.
        NoSuchPhone: the one that is named is none, or all were to have one name.
        AgentError: the one that is named cannot be served.
    """
    if named == ALL and side.name is not None:
        raise NoSuchPhone(
            f"all phones cannot have the name {side.name}: leave --name out, and each is called by "
            "its model and serial, or name one phone behind --adb"
        )
    hanging = await asyncio.to_thread(server.listed)
    watch = Watch(server, hanging)
    following = asyncio.create_task(watch.follow())
    lives = _Lives(server, watch, wish, side)
    try:
        if named == ALL:
            await lives.run(stop)
        else:
            await lives.of(chosen(hanging, named, side.folder)).run(stop)
    finally:
        await end_tasks(following)


class _Lives:
    """The lives of all phones, which begin when these are seen first."""

    def __init__(self, server: AdbServer, watch: Watch, wish: Wish, side: FleetSide) -> None:
        self._server = server
        self._watch = watch
        self._wish = wish
        self._side = side
        self._turns = Turns()

    def of(self, serial: str) -> Life:
        """The life of one."""
        return Life(
            server=self._server,
            watch=self._watch,
            turns=self._turns,
            serial=serial,
            wish=self._wish,
            side=self._side,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Begin a life for each phone; one that cannot be served is, when it is plugged in anew."""
        running: dict[str, asyncio.Task[None]] = {}
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                for serial in self._watch.serials:
                    if serial not in running:
                        running[serial] = asyncio.create_task(self._lead(serial, stop))
                more = asyncio.create_task(
                    self._watch.until(lambda: not running.keys() >= set(self._watch.serials))
                )
                await asyncio.wait({stopping, more}, return_when=asyncio.FIRST_COMPLETED)
                await end_tasks(more)
            # Each leaves the fleet in its own words.
            await asyncio.gather(*running.values())
        finally:
            await end_tasks(stopping, *running.values())

    async def _lead(self, serial: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._serve(serial, stop)

    async def _serve(self, serial: str, stop: asyncio.Event) -> None:
        """Serve one phone; where that cannot be, until it may be tried anew."""
        try:
            await self.of(serial).run(stop)
        except ControllerUnreachable as error:
            log.warning("no controller answers", phone=serial, why=error)
            await _until_either(stop, asyncio.sleep(_AGAIN_S))
        except AgentError as error:
            log.error("a phone has to be plugged in anew to be served", phone=serial, why=error)
            unplugged = self._watch.until(lambda: serial not in self._watch.serials)
            await _until_either(stop, unplugged)
        except Exception:
            log.exception("the bridge ends: what serves a phone broke", phone=serial)
            stop.set()
            raise


async def _until_either(stop: asyncio.Event, other: Coroutine[object, object, object]) -> None:
    waiting = (asyncio.create_task(stop.wait()), asyncio.create_task(other))
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_tasks(*waiting)
