"""What those who watch devices are told: all of them, then those that something befell.

One looks for all who watch, at most a few times a second, and more rarely the more they are: into
the history for what was added to it, and who is connected. So a look costs what happened since the
last, however many devices there are. Who is slow hears of several changes of a device at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from controller.domain.devices import DeviceChanges
from controller.fleet.changes import TOLD_PER_S, Changes
from controller.state.database import Database
from controller.state.devices import find_devices, list_devices
from controller.state.devices.events import changed_since, newest_event

ResultT = TypeVar("ResultT")


class _Watcher:
    """Somebody who watches, and the ids of the devices that they were not told yet."""

    def __init__(self) -> None:
        self._pending: set[str] = set()
        self._error: BaseException | None = None
        self._has_some = asyncio.Event()

    def add(self, device_ids: Collection[str]) -> None:
        """These devices changed."""
        if device_ids:
            self._pending.update(device_ids)
            self._has_some.set()

    def fail(self, error: BaseException) -> None:
        """Nobody looks any more."""
        self._error = error
        self._has_some.set()

    async def some(self) -> set[str]:
        """Those that changed since the last time, once there are any."""
        await self._has_some.wait()
        if self._error is not None:
            raise self._error
        self._has_some.clear()
        taken, self._pending = self._pending, set()
        return taken


class DeviceWatching:
    """Tells who watches how devices stand."""

    def __init__(
        self, database: Database, changes: Changes, connected: Callable[[], frozenset[str]]
    ) -> None:
        """`connected` gives the ids of the devices that are connected now."""
        self._database = database
        self._changes = changes
        self._connected = connected
        self._watchers: set[_Watcher] = set()
        self._looking: asyncio.Task[None] | None = None
        # Since the last look, by the ids of those that changed.
        self._told: dict[frozenset[str], asyncio.Future[DeviceChanges]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watching-devices")

    async def watch(self) -> AsyncGenerator[DeviceChanges, None]:
        """Every device now, then each that changes, for as long as anybody wants it.

        Raises:
            EdgerankError: STORAGE.
        """
        with self._watching() as watcher:
            yield DeviceChanges(
                devices=await self._in_thread(list_devices, self._database, self._connected())
            )
            while True:
                yield await self._as_they_are(frozenset(await watcher.some()))

    async def _as_they_are(self, ids: frozenset[str]) -> DeviceChanges:
        """What is told of devices that changed: the same for all who were told as much before."""
        if ids not in self._told:
            self._told[ids] = asyncio.ensure_future(self._look_at(ids))
        # Who goes away takes nothing from the others.
        return await asyncio.shield(self._told[ids])

    async def _look_at(self, ids: frozenset[str]) -> DeviceChanges:
        found = await self._in_thread(find_devices, self._database, ids, self._connected())
        gone = ids - {device.device_id for device in found}
        return DeviceChanges(devices=found, gone_ids=tuple(sorted(gone)))

    def mark(self, device_id: str) -> None:
        """A device changed of which there is no history any more."""
        self._told.clear()
        for watcher in self._watchers:
            watcher.add((device_id,))

    @contextmanager
    def _watching(self) -> Iterator[_Watcher]:
        watcher = _Watcher()
        self._watchers.add(watcher)
        if self._looking is None:
            # Asked of the one thread before the list of whoever watches, so that nothing is missed.
            newest = self._in_thread(newest_event, self._database)
            looking = self._look_on(newest, self._connected())
            self._looking = asyncio.get_running_loop().create_task(looking)
            self._looking.add_done_callback(self._ended)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look_on(self, newest: Awaitable[int], connected: frozenset[str]) -> None:
        seen = await newest
        while True:
            version, now = self._changes.version, self._connected()
            seen, changed = await self._in_thread(changed_since, self._database, seen)
            changed |= connected ^ now
            connected = now
            self._told.clear()
            for watcher in self._watchers:
                watcher.add(changed)
            rests_s = len(self._watchers) / TOLD_PER_S
            await asyncio.gather(self._changes.next_look(version), asyncio.sleep(rests_s))

    def _ended(self, looking: asyncio.Task[None]) -> None:
        if looking.cancelled() or (error := looking.exception()) is None:
            return
        if self._looking is looking:
            self._looking = None
        for watcher in self._watchers:
            watcher.fail(error)

    def _in_thread(self, work: Callable[..., ResultT], *args: object) -> Awaitable[ResultT]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
