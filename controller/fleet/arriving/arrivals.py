"""Lets agents in: each is one device, whose older stream ends, and holds the leases that it had."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.domain.errors import EdgerankError
from controller.fleet.arriving.greeting import Coming, Greeted, greet_each
from controller.fleet.arriving.identities import Identities
from controller.fleet.arriving.takeover import Takeovers
from controller.fleet.clock import Clock
from controller.fleet.credibility import check_hello
from controller.fleet.leasing.leases import LeaseBook
from controller.fleet.sessions import AgentSession
from controller.state import attempts, devices
from controller.state.committing import Commits
from controller.state.database import Database
from protos.fleet import Cancel, Hello, Lease
from protos.log_lines import event_log

log = event_log(__name__)


@dataclass(eq=False)
class _Opened:
    """A device whose stream is being opened, and which attempts it is to stop once it is."""

    device_id: str
    to_stop: set[str] = field(default_factory=set)


class Arrivals:
    """Opens sessions; what is in a device's history follows from whether it was there before."""

    def __init__(
        self,
        database: Database,
        commits: Commits,
        sessions: dict[str, AgentSession],
        leases: LeaseBook,
        takeovers: Takeovers,
        *,
        clock: Clock,
        lose: Callable[[str, str], Awaitable[None]],
        on_changed: Callable[[str], None],
    ) -> None:
        """`sessions` are those that are open, by device.

        `lose` gives an attempt of a device up for lost; `on_changed` hears of devices of which
        something is new that is not in their history.
        """
        self._database = database
        self._commits = commits
        self._sessions = sessions
        self._leases = leases
        self._takeovers = takeovers
        self._clock = clock
        self._lose = lose
        self._on_changed = on_changed
        self._identities = Identities()
        self._opened: list[_Opened] = []

    def stop(self, device_id: str, attempt_id: str) -> None:
        """Tells a device's agent to stop an attempt: in its stream, or in one that it is opening.

        One that is away is told when it comes back and still holds it, of what is stored by then.
        """
        session = self._sessions.get(device_id)
        if session is not None:
            session.outbox.put_nowait(Cancel(attempt_id=attempt_id))
        for opened in self._opened:
            if opened.device_id == device_id:
                opened.to_stop.add(attempt_id)

    async def let_in(self, hello: Hello) -> AgentSession:
        """Enrols an agent and opens its session; an older session of the device is ended.

        Raises:
            EdgerankError: INVALID_INPUT for a name or label that none may have, or an agent whose
                device another one took over; NAME_TAKEN when another device has the name and may
                not be taken over now, NOT_ALLOWED when two agents have this device's identity.
        """
        check_hello(hello)
        # Before anything is remembered of it; by its own id, which mostly is its device's.
        self._refuse_second(self._sessions.get(hello.device_id), hello)
        if hello.replace:
            await asyncio.to_thread(self._takeovers.take_over, hello, frozenset(self._sessions))
        is_new = hello.device_id not in self._sessions
        coming = Coming(hello, is_new, self._clock.unix_ms())
        greeted = await self._commits.write_each(greet_each, coming)
        if isinstance(greeted, EdgerankError):
            raise greeted
        with self._is_opened(greeted.hello.device_id) as opened:
            return await self._open(greeted, opened)

    @contextmanager
    def _is_opened(self, device_id: str) -> Iterator[_Opened]:
        opened = _Opened(device_id)
        self._opened.append(opened)
        try:
            yield opened
        finally:
            self._opened.remove(opened)

    async def _open(self, greeted: Greeted, opened: _Opened) -> AgentSession:
        """Opens the session of a device that is known now."""
        hello, out = greeted.hello, greeted.out
        given: Mapping[str, Lease] = {}
        if (older := self._sessions.get(hello.device_id)) is None:
            if not greeted.has_come:
                # After what is written of the end of its older session.
                await self._commits.write(devices.came, hello.device_id, self._clock.unix_ms())
        else:
            # One that it is just being given is in its older session then.
            async with older.dispatching:
                given = self._take_place(older, hello)
                out = await asyncio.to_thread(
                    attempts.leases_of_device, self._database, hello.device_id
                )
        held = await self._held_leases(hello, out, given)
        opened.to_stop.update(await self._unwanted(hello, given))
        # Another stream of the device may have come while this one waited.
        if (meanwhile := self._sessions.get(hello.device_id)) is not None:
            more = self._take_place(meanwhile, hello)
            given, held = {**given, **more}, {**held, **more}
        # From here on nothing is waited for: who hangs up meanwhile would stay connected.
        session = AgentSession(hello, held)
        self._sessions[hello.device_id] = session
        self._leases.pace = self._leases.pace.for_fleet(len(self._sessions))
        session.welcome(self._leases.pace)
        for attempt_id in held.keys() - set(hello.held_attempt_ids):
            session.outbox.put_nowait(given[attempt_id])
        for attempt_id in sorted(opened.to_stop):
            session.outbox.put_nowait(Cancel(attempt_id=attempt_id))
        log.info("connected", device=hello.name, device_id=hello.device_id)
        return session

    def _take_place(self, older: AgentSession, hello: Hello) -> Mapping[str, Lease]:
        """Ends a device's older session; gives the leases that this very agent was given in it."""
        self._refuse_second(older, hello)
        self._identities.take_place(hello.device_id, hello.run_id, older.hello.run_id)
        del self._sessions[hello.device_id]
        older.outbox.put_nowait(None)
        # It was not away, so that its history says nothing; it may tell of itself what is new.
        self._on_changed(hello.device_id)
        is_same = bool(hello.run_id) and hello.run_id == older.hello.run_id
        return dict(older.leases) if is_same else {}

    def _refuse_second(self, older: AgentSession | None, hello: Hello) -> None:
        """When both agents of a device live, tells both."""
        if older is None:
            return
        try:
            self._identities.check(older.device_id, hello.run_id, older.hello.run_id)
        except EdgerankError as error:
            log.warning("two agents have one identity", device=older.hello.name, error=error)
            older.outbox.put_nowait(error)
            raise

    async def _held_leases(
        self, hello: Hello, out: dict[str, Lease], given: Mapping[str, Lease]
    ) -> dict[str, Lease]:
        """Those of the leases out to an agent that it holds; the others are lost.

        One that went into the older stream of an agent that was leaving it may not have been heard.
        """
        for attempt_id in sorted(out.keys() - {*hello.held_attempt_ids, *given}):
            await self._lose(attempt_id, hello.device_id)
            del out[attempt_id]
        for attempt_id, lease in out.items():
            self._leases.grant(attempt_id, self._clock.monotonic_ms())
            self._leases.limit(lease, self._clock.monotonic_ms())
        return out

    async def _unwanted(self, hello: Hello, given: Mapping[str, Lease]) -> Sequence[str]:
        """What it may be measuring, and was told to stop where it did not hear it."""
        among, device_id = {*hello.held_attempt_ids, *given}, hello.device_id
        if not among:
            return ()
        return await asyncio.to_thread(attempts.list_unwanted, self._database, device_id, among)
