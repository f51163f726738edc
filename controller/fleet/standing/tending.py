"""What people do with devices: rename, mark, remove, drain, rest, wake."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from controller.domain.access import Caller
from controller.domain.devices import Device, DeviceStanding
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.credibility import check_name
from controller.fleet.leasing.dispatching import Dispatcher
from controller.fleet.leaving import leave_out
from controller.fleet.rounds.deriving import Endings
from controller.fleet.sessions import AgentSession
from controller.fleet.standing.changing import drain_device, rest_device, wake_device
from controller.state import attempts, devices
from controller.state.committing import Commits
from controller.state.database import Database
from controller.state.devices.emulators import mark_emulated
from protos.names import is_name, printable


class Tending:
    """Does with devices what people ask for, and tells their agents."""

    def __init__(
        self,
        database: Database,
        commits: Commits,
        sessions: Mapping[str, AgentSession],
        dispatcher: Dispatcher,
        changes: Changes,
        *,
        clock: Clock,
        endings: Endings,
        stop: Callable[[str, str], None],
        end_lease: Callable[[str], Awaitable[None]],
        lose: Callable[[str, str], Awaitable[None]],
        end_sweeps: Callable[[], Awaitable[None]],
        on_changed: Callable[[str], None],
    ) -> None:
        """`sessions` are the ones that are open, by device.

        `stop` tells a device's agent to stop an attempt; `end_lease` and `lose` end one, the latter
        a device's that comes to nothing; `end_sweeps` ends those whose last job has ended;
        `on_changed` hears of devices of which something is new that is not in their history.
        """
        self._database = database
        self._commits = commits
        self._sessions = sessions
        self._dispatcher = dispatcher
        self._endings = endings
        self._changes = changes
        self._clock = clock
        self._stop = stop
        self._end_lease = end_lease
        self._lose = lose
        self._end_sweeps = end_sweeps
        self._on_changed = on_changed

    async def rename(self, device: Device, name: str, by: Caller) -> None:
        """Gives a device another name.

        Raises:
            EdgerankError: INVALID_INPUT for a name that none may have, NAME_TAKEN when another
                device has it.
        """
        check_name(name)
        now_unix_ms = self._clock.unix_ms()
        await asyncio.to_thread(
            devices.rename, self._database, device.device_id, name, by, now_unix_ms
        )
        session = self._sessions.get(device.device_id)
        if session is not None:
            session.hello = replace(session.hello, name=name)
        self._changes.notify()

    async def mark(self, device: Device, emulated_by: str | None) -> None:
        """Says what computes in a device's place; None takes that back.

        Raises:
            EdgerankError: INVALID_INPUT for what nothing may be called.
        """
        if emulated_by is not None and not is_name(emulated_by):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{printable(emulated_by)!r} names no emulator; write at most 64 letters, digits, "
                "'.', '_' and '-', as in qemu-system",
            )
        await asyncio.to_thread(mark_emulated, self._database, device.device_id, emulated_by)
        self._on_changed(device.device_id)
        self._changes.notify()

    async def remove(self, device: Device, by: Caller, *, with_measurements: bool) -> int:
        """Takes a device out of the fleet; gives how many measurements stay, or went with it.

        What was not measured on it yet is cancelled.

        Raises:
            EdgerankError: PRECONDITION while it is connected.
        """
        if device.device_id in self._sessions:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{device.name} is connected, and would enrol again; stop its agent first",
            )
        known, device_id = self._database, device.device_id
        for attempt_id in await asyncio.to_thread(attempts.leases_of_device, known, device_id):
            await self._lose(attempt_id, device_id)
        # Else it would be cancelled, too.
        await self._endings.now(lambda place: place.device_id == device_id)
        count = await asyncio.to_thread(
            leave_out,
            known,
            device_id,
            by,
            self._clock.unix_ms(),
            with_measurements=with_measurements,
        )
        await self._end_sweeps()
        self._on_changed(device_id)
        self._changes.notify()
        return count

    async def drain(self, device: Device, by: Caller) -> DeviceStanding:
        """Lets a device finish what it measures, and rest then."""
        standing = await self._commits.write(
            drain_device, device.device_id, by, self._clock.unix_ms()
        )
        self._changes.notify()
        return standing

    async def rest(self, device: Device, by: Caller) -> DeviceStanding:
        """Lets a device rest at once: what it measures is stopped, and taken again later."""
        standing, stopped = await self._commits.write(
            rest_device, device.device_id, by, self._clock.unix_ms()
        )
        session = self._sessions.get(device.device_id)
        for attempt_id in stopped:
            if session is not None:
                session.forget(attempt_id)
            self._stop(device.device_id, attempt_id)
            await self._end_lease(attempt_id)
        self._changes.notify()
        return standing

    async def wake(self, device: Device, by: Caller) -> DeviceStanding:
        """Lets a device take jobs again."""
        standing = await self._commits.write(
            wake_device, device.device_id, by, self._clock.unix_ms()
        )
        session = self._sessions.get(device.device_id)
        if session is not None:
            self._dispatcher.soon(session)
        self._changes.notify()
        return standing
