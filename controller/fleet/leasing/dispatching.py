"""Who is leased what, when: each agent by itself, those on the controller's machine by its gate."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from controller.domain.errors import EdgerankError
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.host_gate import HostGate
from controller.fleet.leasing.giving_back import take_back
from controller.fleet.leasing.leases import LeaseBook
from controller.fleet.leasing.said import commit_lease
from controller.fleet.outliving import to_its_end
from controller.fleet.rounds.following import Races
from controller.fleet.sessions import AgentSession
from controller.fleet.telling import tell_unreadable
from controller.state import attempts
from controller.state.committing import Commits
from controller.state.database import Database
from protos.log_lines import event_log

log = event_log(__name__)

# Here either converts or measures, so that measuring before all is converted would gain nothing.
_PHASES_HERE: Final = (SweepPhase.MEASURING,)


class Dispatcher:
    """Gives agents that are free their next lease; none waits for another's."""

    def __init__(
        self,
        database: Database,
        commits: Commits,
        sessions: Mapping[str, AgentSession],
        leases: LeaseBook,
        changes: Changes,
        *,
        clock: Clock,
        hostname: str,
    ) -> None:
        """`sessions` are the ones that are open, by device; `hostname` is this machine's."""
        self._database = database
        self._commits = commits
        self._sessions = sessions
        self._leases = leases
        self._changes = changes
        self._clock = clock
        self._hostname = hostname
        self._here = asyncio.Lock()
        self._later: set[asyncio.Task[None]] = set()
        # Who is dispatched to by a task that has not begun: however often it says that it is free.
        self._due: set[AgentSession] = set()
        self.gate = HostGate(self._dispatch_here_soon, clock)
        self.races = Races(database, clock, self._raced)

    async def dispatch(self, session: AgentSession) -> None:
        """Gives an agent a lease if it is free and there is one.

        Raises:
            EdgerankError: STORAGE; the agent stays free.
        """
        is_here = self._is_here(session)
        # The gate is asked and told by one at a time.
        async with AsyncExitStack() as one:
            if is_here:
                await one.enter_async_context(self._here)
            await one.enter_async_context(session.dispatching)
            self._due.discard(session)
            is_gone = session.is_broken or self._sessions.get(session.device_id) is not session
            if is_gone or not session.ready:
                return
            phases = _PHASES_HERE if is_here else RUNNING_PHASES
            device_id = session.device_id
            if is_here and not self.gate.may_measure():
                if await asyncio.to_thread(attempts.has_next, self._database, device_id, phases):
                    self.gate.measuring_waits()
                return
            now_unix_ms = self._clock.unix_ms()
            ask = attempts.Ask(device_id=device_id, now_unix_ms=now_unix_ms, phases=phases)
            found = await commit_lease(self._commits, ask)
            for unreadable in found.unreadable:
                tell_unreadable(unreadable)
                self.races.soon((unreadable.turn.place,))
            lease = found.lease
            if lease is None:
                if is_here:
                    self.gate.nothing_to_measure()
                return
            if session.is_broken:
                # Its report fell out of the group: it is never told of this one, and lost nothing.
                await self._commits.write(take_back, lease.attempt_id, now_unix_ms)
                return
            session.ready = False
            now_ms = self._clock.monotonic_ms()
            self._leases.grant(lease.attempt_id, now_ms)
            self._leases.limit(lease, now_ms)
            if is_here:
                self.gate.attempt_started(lease.attempt_id)
            session.leases[lease.attempt_id] = lease
            session.outbox.put_nowait(lease)
        self._changes.notify()

    async def dispatch_all(self) -> None:
        """Gives every agent that is free a lease, if there is one for it.

        Whoever asked for it may go away meanwhile: what is leased is given all the same.

        Raises:
            EdgerankError: as `dispatch` does, when all others were tried.
        """
        for error in await to_its_end(self._dispatch_to_free()):
            if error is not None:
                raise error

    async def _dispatch_to_free(self) -> list[BaseException | None]:
        free = [session for session in self._sessions.values() if session.ready]
        return await asyncio.gather(*map(self.dispatch, free), return_exceptions=True)

    def soon_to(self, device_ids: Iterable[str]) -> None:
        """Dispatches to those of these devices that are connected and free, as `soon` does."""
        for device_id in device_ids:
            session = self._sessions.get(device_id)
            if session is not None and session.ready:
                self.soon(session)

    def soon(self, session: AgentSession) -> None:
        """Dispatches to one agent, without being waited for; its stream ends if that fails.

        Then it dials again, and asks again.
        """
        if session in self._due:
            return
        self._due.add(session)
        task = asyncio.get_running_loop().create_task(self.dispatch(session))
        self._later.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, session))

    def _raced(self, device_id: str) -> None:
        self.soon_to((device_id,))
        self._changes.notify()

    def _dispatch_here_soon(self) -> None:
        for session in tuple(self._sessions.values()):
            if session.ready and self._is_here(session):
                self.soon(session)

    def _is_here(self, session: AgentSession) -> bool:
        return session.hello.profile.hostname == self._hostname

    def _ended(self, task: asyncio.Task[None], session: AgentSession) -> None:
        self._later.discard(task)
        self._due.discard(session)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        told = error if isinstance(error, EdgerankError) else None
        why = {"exc_info": error} if told is None else {"error": error}
        log.error("no lease could be given", device=session.hello.name, **why)
        session.outbox.put_nowait(told)
