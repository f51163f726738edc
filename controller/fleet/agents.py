"""The agents that are connected, and the leases that they hold.

What can be broken between a job, its attempt and its agent, and what repairs it:

- the agent's stream broke, the agent lives: it dials again and names the attempts that it still
  holds, whose leases live on;
- the agent restarted: it names none, so its attempts are lost at once and their jobs queued again;
- the agent is gone: its heartbeats end and its leases expire, with the same end;
- an attempt is out in the database and has no lease here (the controller restarted, or a stream
  broke between the two): `look_after_leases` grants one, and one of the above follows;
- the database failed while an attempt was given up: its lease stays, and is looked at again;
- a round of a race was over and the next one did not follow (the database failed, or the controller
  restarted): `look_after_leases` and `recover` let it follow;
- a job has all its repetitions and no figures (the database failed, or the controller restarted):
  `look_after_leases` and `recover` let them be derived;
- a report comes of an attempt given up for lost: it is committed all the same if its job has not
  ended, and acknowledged in any case.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from controller.domain.devices import DeviceEventKind
from controller.domain.jobs import MAX_ATTEMPTS
from controller.domain.sweeps import Activity
from controller.fleet import reports
from controller.fleet.activities import activity_of
from controller.fleet.arriving.arrivals import Arrivals
from controller.fleet.arriving.takeover import Takeovers
from controller.fleet.changes import Changes, Happening
from controller.fleet.clock import Clock
from controller.fleet.credibility.saying import are_of_agents
from controller.fleet.leasing.dispatching import Dispatcher
from controller.fleet.leasing.giving_back import take_back
from controller.fleet.leasing.leases import USUAL, LeaseBook, Pace
from controller.fleet.leasing.losing import VANISHED, lose_attempt
from controller.fleet.leasing.overdue import overdue_attempts
from controller.fleet.leasing.said import commit_report
from controller.fleet.rounds.deriving import Endings
from controller.fleet.rounds.ending import Settled
from controller.fleet.rounds.settling import settle_all
from controller.fleet.sessions import AgentSession, held_up_attempts
from controller.fleet.standing.seen import Seen
from controller.fleet.standing.tending import Tending
from controller.fleet.standing.watching import DeviceWatching
from controller.fleet.telling import tell_lost, tell_recorded
from controller.state import attempts, devices
from controller.state.committing import Commits
from controller.state.database import Database
from controller.state.devices.coming import Leaving, leave_each
from controller.state.devices.seen import count_seen
from controller.state.rounds.courses import Place
from controller.state.sweeps import end_finished
from protos.fleet import GiveBack, Heartbeat, Hello, Progress
from protos.log_lines import event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)

# Devices that were heard of in this time may come back when the controller does.
_LATELY_MS: Final = 24 * 3_600_000


class Fleet:
    """Hears what agents say and gives them leases."""

    def __init__(
        self, database: Database, changes: Changes, clock: Clock, hostname: str, pace: Pace = USUAL
    ) -> None:
        """`hostname` is this machine's."""
        self._database = database
        self._changes = changes
        self._clock = clock
        self._hostname = hostname
        self._sessions: dict[str, AgentSession] = {}
        self._leases = LeaseBook(pace=pace)
        self.takeovers = Takeovers(database, clock)
        self.commits = Commits(database)
        self.seen = Seen(self.commits, clock)
        self._dispatcher = Dispatcher(
            database,
            self.commits,
            self._sessions,
            self._leases,
            changes,
            clock=clock,
            hostname=hostname,
        )
        self.gate = self._dispatcher.gate
        self._races = self._dispatcher.races
        self._endings = Endings(database, self.commits, clock, changes.notify)
        self.watching = DeviceWatching(database, changes, self.connected)
        self._arrivals = Arrivals(
            database,
            self.commits,
            self._sessions,
            self._leases,
            self.takeovers,
            clock=clock,
            lose=self._lose,
            on_changed=self.watching.mark,
        )
        self.tending = Tending(
            database,
            self.commits,
            self._sessions,
            self._dispatcher,
            changes,
            clock=clock,
            endings=self._endings,
            stop=self._arrivals.stop,
            end_lease=self._end_lease,
            lose=self._lose,
            end_sweeps=self.end_finished_sweeps,
            on_changed=self.watching.mark,
        )

    def connected(self) -> frozenset[str]:
        """The ids of the devices that are connected now."""
        return frozenset(self._sessions)

    def is_connected(self, device_id: str) -> bool:
        """Whether a device is connected now; from any thread."""
        return device_id in self._sessions

    def activities(self) -> tuple[Activity, ...]:
        """What the agents do now."""
        return tuple(
            activity_of(session.hello.name, lease, session.progress.get(attempt_id))
            for session in self._sessions.values()
            for attempt_id, lease in session.leases.items()
        )

    async def recover(self) -> None:
        """Goes on where the controller stopped: settles reports, leases what was out afresh."""
        self._endings.again(await asyncio.to_thread(settle_all, self._database))
        out = await asyncio.to_thread(attempts.leased_attempts, self._database)
        working = await asyncio.to_thread(
            devices.find_devices, self._database, set(out.values()), frozenset()
        )
        here = {each.device_id for each in working if each.profile.hostname == self._hostname}
        lately = await asyncio.to_thread(
            count_seen, self._database, self._clock.unix_ms() - _LATELY_MS
        )
        # They come back over as long a time as their fleet was told, and their leases live on.
        self._leases.pace = self._leases.pace.for_fleet(lately)
        for attempt_id, device_id in out.items():
            self._leases.grant(attempt_id, self._clock.monotonic_ms())
            if device_id in here:
                self.gate.attempt_started(attempt_id)

    async def connect(self, hello: Hello) -> AgentSession:
        """Enrols an agent and opens its session; an older session of the device is ended.

        Raises:
            EdgerankError: as `Arrivals.let_in` does.
        """
        session = await self._arrivals.let_in(hello)
        self._changes.notify()
        return session

    async def disconnect(
        self, session: AgentSession, how: DeviceEventKind | None = DeviceEventKind.LOST
    ) -> None:
        """Closes a session; its leases go on until they expire.

        `how` it went, for the device's history; None when this side ended it.
        """
        if self._sessions.get(session.device_id) is session:
            del self._sessions[session.device_id]
            log.info("disconnected", device=session.hello.name, device_id=session.device_id)
        else:
            how = None
        self._changes.notify()
        self.seen.gone(session.device_id)
        gone = Leaving(session.device_id, self._clock.unix_ms(), how)
        await self.commits.write_each(leave_each, gone)

    async def heartbeat(self, session: AgentSession, beat: Heartbeat) -> None:
        """Renews those leases of the agent that it still holds, and slows it down if need be."""
        held = tuple(held for held in beat.held_attempt_ids if held in session.leases)
        self._leases.renew(held, self._clock.monotonic_ms())
        self.seen.heard(session.device_id)
        session.slow_down(self._leases.pace)

    async def ready(self, session: AgentSession) -> None:
        """The agent is free: it gets a lease now, or when there is one; never a second one."""
        session.ready = session.is_free
        await self._dispatcher.dispatch(session)

    def ready_soon(self, session: AgentSession) -> None:
        """As `ready`, while what the agent says next is heard; its stream ends if that fails."""
        session.ready = session.is_free
        self._dispatcher.soon(session)

    def progress(self, session: AgentSession, progress: Progress) -> None:
        """Remembers what the agent does with a lease of its own, for those who watch."""
        waits_for = progress.waiting_for
        if waits_for is not None and not are_of_agents((waits_for,)):
            progress = replace(progress, waiting_for=None)
        if progress.attempt_id in session.leases:
            session.progress[progress.attempt_id] = progress
            self._changes.notify()

    async def report(self, session: AgentSession, report: reports.SaidReport) -> None:
        """Commits how an attempt ended, then tells the agent that it need not report it again.

        It is not to be cancelled: what follows on what is committed is begun in any case.

        Raises:
            EdgerankError: STORAGE; the agent keeps its report and sends it again.
        """
        came = reports.Came(session.device_id, report, self._clock.unix_ms())
        recorded = await self._record(session, came)
        is_held = report.attempt_id in session.leases
        session.forget(report.attempt_id)
        session.answer_report(report.attempt_id, recorded.refusal)
        newer = self._sessions.get(session.device_id)
        if is_held and (newer is None or report.attempt_id not in newer.leases):
            await self._end_lease(report.attempt_id)
        self._changes.notify()

    async def take_back(self, session: AgentSession, given: GiveBack) -> None:
        """Lets another attempt take the turn of one whose agent ends; nothing was lost by it."""
        attempt_id = given.attempt_id
        if attempt_id not in session.leases:
            return
        lost = await self.commits.write(take_back, attempt_id, self._clock.unix_ms())
        if lost is not None:
            self._races.soon((lost.turn.place,))
            tell_lost(lost)
        session.forget(attempt_id)
        await self._end_lease(attempt_id)

    async def dispatch_all(self) -> None:
        """Gives every agent that is free a lease, if there is one for it."""
        await self._dispatcher.dispatch_all()

    def dispatch_soon(self, device_ids: Iterable[str]) -> None:
        """Gives those of these devices that are free a lease, if there is one for it."""
        self._dispatcher.soon_to(device_ids)

    async def cancel(self, running: Mapping[str, str]) -> None:
        """Tells the agents of these attempts to stop; `running` maps them to devices' ids."""
        for attempt_id, device_id in running.items():
            self._arrivals.stop(device_id, attempt_id)

    async def look_after_leases(self) -> None:
        """Gives the attempts up whose agents fell silent, and grants leases that got lost.

        Raises:
            EdgerankError: STORAGE; what could not be given up is looked at the next time.
        """
        out = await asyncio.to_thread(attempts.leased_attempts, self._database)
        now_ms, held_up = self._clock.monotonic_ms(), held_up_attempts(self._sessions.values())
        self._leases.grant_missing(out, now_ms)
        self._leases.renew(held_up, now_ms)
        expired = self._leases.expired(now_ms)
        # Together, so that they are one group to commit.
        await asyncio.gather(*(self._lose(lost, out.get(lost)) for lost in expired))
        overdue = await overdue_attempts(self._leases, self._database, now_ms, held_up)
        await asyncio.gather(*(self._give_up(late, out.get(late)) for late in overdue))
        await self.seen.look()
        self._races.soon()
        self._endings.again()
        await self.end_finished_sweeps()

    async def end_complete(
        self, is_wanted: Callable[[Place], bool], also: Iterable[Settled] = ()
    ) -> None:
        """Ends jobs of which only figures are missing, and what `also` may, before a cancel.

        `is_wanted` says of which sweeps on which devices. What cannot be ended is logged.
        """
        await self._endings.now(is_wanted, also)

    async def ended(self) -> None:
        """Returns when what was reported has ended what it ends, or could not."""
        await self._endings.rest()

    async def close(self) -> None:
        """Ends no more jobs, and remembers when devices were last heard of.

        Raises:
            EdgerankError: STORAGE; of jobs nothing is lost: who starts a controller ends them.
        """
        await self._endings.stop()
        await self.seen.remember()

    def stood_still(self, gap_ms: int) -> None:
        """Nothing was heard for so long, by no fault of the agents': leases live on as long."""
        log.warning("the controller stood still; leases wait as long", gap_ms=gap_ms)
        self._leases.put_off(gap_ms)

    async def end_finished_sweeps(self) -> None:
        """Ends the sweeps whose last job has ended."""
        if await self.commits.write(end_finished, self._clock.unix_ms()):
            self._changes.notify()

    def tell_to_renew(self) -> int:
        """Tells every agent that is connected to renew its certificate; gives how many."""
        for session in self._sessions.values():
            session.renew()
        return len(self._sessions)

    def end_sessions(self) -> None:
        """Ends every stream, so that the agents dial again later."""
        for session in self._sessions.values():
            session.outbox.put_nowait(None)

    async def _record(self, session: AgentSession, came: reports.Came) -> reports.Recorded:
        recorded = await commit_report(self.commits, came)
        if recorded.is_new:
            self._changes.happened(Happening.REPORT_COMMITTED)
        tell_recorded(session, came.said, recorded)
        following = recorded.following
        if following.race is not None:
            self._races.soon((following.race,))
        if following.settled is not None:
            self._endings.soon(following.settled)
        return recorded

    async def _give_up(self, attempt_id: str, device_id: str | None) -> None:
        """Waits no longer for an attempt whose agent is alive and never reports it."""
        why = reason(ReasonCode.NEVER_REPORTED, attempts=MAX_ATTEMPTS)
        # Before its agent says that it was cancelled, which would end the job.
        await self._lose(attempt_id, device_id, why)
        if device_id is not None:
            self._arrivals.stop(device_id, attempt_id)

    async def _lose(self, attempt_id: str, device_id: str | None, why: Reason = VANISHED) -> None:
        """Gives an attempt up for lost; the device is its own, None for one that is not out."""
        lost = await self.commits.write(lose_attempt, attempt_id, self._clock.unix_ms(), why)
        if lost is not None:
            self._changes.happened(Happening.ATTEMPT_LOST)
            self._races.soon((lost.turn.place,))
            tell_lost(lost)
        session = self._sessions.get(device_id or "")
        if session is not None:
            session.forget(attempt_id)
        await self._end_lease(attempt_id)
        if session is not None:
            self._dispatcher.soon(session)

    async def _end_lease(self, attempt_id: str) -> None:
        self._leases.end(attempt_id)
        await self.gate.attempt_ended(attempt_id)
        self._changes.notify()
