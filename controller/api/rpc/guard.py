"""Stands before every call: who makes it, whether they may, and what was changed by it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from operator import attrgetter
from typing import Any

import grpc

from controller.access.callers import OWNER, STRANGER, Callers, Known, Shown
from controller.access.connections import place_of
from controller.access.members import CERTIFICATE_ENDED
from controller.api.asking.once import AskingOnce
from controller.api.asking.together import AskingTogether
from controller.api.lasting import called_at
from controller.api.limits import Limits, Load
from controller.api.meters import Meters
from controller.api.pacing import Pauses, Rates
from controller.api.rpc.calls import Context, Said
from controller.api.rpc.failures import answered_failures, before_failing, end
from controller.api.rpc.held.crowd import Crowd
from controller.api.rpc.held.hearing import Hearing
from controller.api.rpc.held.holding import Holding, counted_as, counted_unknown
from controller.api.rpc.needs import Need, Who, check
from controller.api.rpc.peers import Peers
from controller.api.rpc.refusals import REFUSING, Refusal, Refusals
from controller.domain.access import AuditEntry, Caller, CallerKind
from controller.domain.errors import ErrorCode
from controller.fleet.clock import Clock
from controller.state.access.audit import record_change, record_once
from controller.state.committing import Commits
from protos.log_lines import event_log

log = event_log(__name__)

MAX_SUBJECT_LENGTH = 200
# A look at whose connections are open takes a tenth of it, or a third.
_REST_OF_PLACES_S = 0.05
_BRINGING = frozenset({Load.UPLOAD, Load.SESSION})

_caller: ContextVar[Caller] = ContextVar("caller", default=STRANGER)
_good_until: ContextVar[int | None] = ContextVar("good_until", default=None)
# The task in which gRPC waits for the answer to the call that goes on.
_handling: ContextVar[asyncio.Task[Any]] = ContextVar("handling")


def current_caller() -> Caller:
    """Who makes the call that goes on."""
    return _caller.get()


def good_until_unix_ms() -> int | None:
    """When what lets the call in that goes on is good no more; None for what does not end."""
    return _good_until.get()


def certificate_of(context: Context) -> bytes | None:
    """What the other end of a connection showed, whose key was proved; as PEM."""
    certificates = tuple(context.auth_context().get("x509_pem_cert", ()))
    return certificates[0] if certificates else None


def let_speak(caller: Caller) -> None:
    """Who makes the call that goes on showed in the call itself who they are."""
    _caller.set(caller)


class Guard:
    """Lets calls through, or does not."""

    def __init__(
        self,
        callers: Callers,
        commits: Commits,
        clock: Clock,
        *,
        limits: Limits,
        peers: Peers,
        refusals: Refusals,
        meters: Meters,
    ) -> None:
        self.meters = meters
        self._commits = commits
        self._clock = clock
        self.limits = limits
        self._crowd = Crowd(limits.rooms)
        self.hearing = Hearing(limits)
        self._holding = Holding(limits, peers)
        self._peers = peers
        self._refusals = refusals
        self._after_refusals = Pauses(
            free=limits.free_refusals, first_s=0.1, longest_s=limits.longest_pause_s
        )
        self._after_failures = Pauses(
            free=limits.free_failures, first_s=4, longest_s=limits.longest_failure_pause_s
        )
        self._paused = 0
        self._rates = Rates(per_s=limits.calls_per_s, saved=limits.saved_calls)
        self._going_on: dict[Caller, set[asyncio.Task[Any]]] = {}
        # With the sentence of why.
        self._cut: dict[asyncio.Task[Any], str] = {}
        self._times_cut = 0
        # Else people would wait behind a fleet that comes back, and agents' words behind people.
        of_members = ThreadPoolExecutor(max_workers=1, thread_name_prefix="certificates")
        of_people = ThreadPoolExecutor(max_workers=2, thread_name_prefix="callers")
        self._of_members = AskingOnce(callers.known, of_members)
        self._of_people = AskingOnce(callers.known, of_people)
        # The kernel's table takes milliseconds, and of a fleet on this machine each member asks.
        of_places = ThreadPoolExecutor(max_workers=1, thread_name_prefix="places")
        self._of_places = AskingTogether(
            callers.known_by_place, of_places, rest_s=_REST_OF_PLACES_S
        )
        # By both ends of the connection, as long as a call is open in it.
        self._owners: Counter[Shown] = Counter()

    def cut_off(self, kind: CallerKind, name: str = "") -> None:
        """Ends every other call of a token or a device; without a name, of all of the kind."""
        self._times_cut += 1
        for caller, tasks in self._going_on.items():
            if caller.caller is kind and name in ("", caller.caller_name):
                others = tasks - {_handling.get(None)}
                for task in others:
                    self._cut_short(task, "this was revoked by who runs the controller")

    def _cut_short(self, task: asyncio.Task[Any], why: str) -> None:
        self._cut[task] = why
        task.cancel()

    @asynccontextmanager
    async def admitted(self, method: str, need: Need, context: Context) -> AsyncIterator[Caller]:
        """Holds a call for as long as it goes on, counts it, and gives who makes it.

        Ends it with UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED when it may not be, or
        not any more.
        """
        shown = _shown(context)
        before_failing(partial(self.ends, method, need, shown.peer))
        with self.meters.call(method):
            async with self._let_in(need, context, shown) as caller:
                yield caller

    async def ends(
        self, method: str, need: Need, peer: str, status: grpc.StatusCode, why: str
    ) -> None:
        """Tells that a call is refused, and lets its answer wait; who hangs up then is told of."""
        await self.note_refused(method, need, peer, status, why)
        await self._pause(need, peer, status)

    async def note_refused(
        self, method: str, need: Need, peer: str, status: grpc.StatusCode, why: str
    ) -> None:
        """Tells the log that a call is refused, if it is."""
        if status in REFUSING:
            await self._refusals.tell(
                Refusal(
                    action=method.rpartition("/")[2],
                    changes=need.subject is not None,
                    caller=current_caller(),
                    peer=peer,
                    status=status,
                    why=why,
                )
            )

    async def _pause(self, need: Need, peer: str, status: grpc.StatusCode) -> None:
        """Lets who is refused often wait for the answer, so that asking again costs the asker."""
        caller = current_caller()
        if status in REFUSING:
            pauses = self._after_refusals
        elif status is grpc.StatusCode.INVALID_ARGUMENT and need.load in _BRINGING:
            # What somebody brings costs more to look at than to bring.
            pauses = self._after_failures
        else:
            return
        if caller == OWNER:
            return
        who = caller if caller.caller_name else place_of(peer)
        pause_s = pauses.pause_s(who, self._clock.monotonic_ms())
        if not pause_s or self._paused >= self.limits.paused:
            return
        self._paused += 1
        try:
            await asyncio.sleep(pause_s)
        finally:
            self._paused -= 1

    async def keep(self, peer: str, size_bytes: int, held: ExitStack) -> None:
        """Counts the request of the call that goes on, until `held` ends."""
        await self._holding.keep(current_caller(), peer, size_bytes, held)

    async def keep_answer(self, peer: str, size_bytes: int, held: ExitStack) -> None:
        """Counts the answer to the call that goes on, once there is room, until `held` ends."""
        await self._holding.keep_answer(current_caller(), peer, size_bytes, held)

    async def write(self, context: Context, content: bytes, load: Load) -> None:
        """Tells a caller something, who has to read it; it answers a call of this load."""
        await self._holding.tell(current_caller(), context, content, load)

    async def changed(self, method: str, need: Need, said: Said) -> None:
        """Remembers what a call changed, if it is one that changes."""
        if need.subject is None or (need.when and not attrgetter(need.when)(said)):
            return
        subject = _subject(attrgetter(need.subject)(said))
        if subject:
            await self.remember(method, subject, is_once=need.is_once)

    async def remember(self, method: str, subject: str, *, is_once: bool) -> None:
        """Writes down what the call that goes on changed, by whatever it came."""
        caller = current_caller()
        entry = AuditEntry(
            at_unix_ms=self._clock.unix_ms(),
            caller=caller.caller,
            caller_name=caller.caller_name,
            action=method.rpartition("/")[2],
            subject=subject,
        )
        await self._commits.write(record_once if is_once else record_change, entry)

    @asynccontextmanager
    async def _let_in(self, need: Need, context: Context, shown: Shown) -> AsyncIterator[Caller]:
        with ExitStack() as held:
            async with answered_failures(context):
                caller, task = await self.admit(need, shown, held)
            try:
                await self.wait_for_turn(caller)
                yield caller
            except asyncio.CancelledError:
                if task not in self._cut:
                    raise
                with self._peers.told(shown.peer):
                    await end(context, ErrorCode.NOT_ALLOWED, self._cut[task])

    async def admit(
        self, need: Need, shown: Shown, held: ExitStack
    ) -> tuple[Caller, asyncio.Task[Any]]:
        """Lets the call of this task in, whatever it came by; its place is kept until `held` ends.

        Raises:
            EdgerankError: UNKNOWN_CALLER, NOT_ALLOWED or LIMIT.
        """
        task = asyncio.current_task()
        assert task is not None
        _handling.set(task)
        whose = counted_unknown(shown)
        with self._crowd.counted(Load.UNKNOWN, whose), self._peers.speaking(shown.peer):
            known = await self._known(need, shown)
        caller = known.caller
        _caller.set(caller)
        _good_until.set(known.good_until_unix_ms)
        check(caller, need)
        load = Load.STRANGER if caller.caller is CallerKind.STRANGER else need.load
        held.enter_context(self._crowd.counted(load, counted_as(caller, shown.peer)))
        held.enter_context(self._noted(caller, shown, task))
        ended = partial(self._cut_short, task, CERTIFICATE_ENDED)
        held.enter_context(called_at(known.good_until_unix_ms, self._clock, ended))
        return caller, task

    async def wait_for_turn(self, caller: Caller) -> None:
        """Waits as long as a token asks more than it may; agents wait where they are heard."""
        if caller.caller is CallerKind.TOKEN:
            wait_s = self._rates.wait_s(caller.caller_name, self._clock.monotonic_ms())
            if wait_s:
                await asyncio.sleep(wait_s)

    async def _known(self, need: Need, shown: Shown) -> Known:
        if need.of_caller is Who.ANYONE and shown.is_nothing:
            # Whose the connection is would be asked of the kernel for nothing.
            return Known(STRANGER)
        if self._owners[shown]:
            # An agent calls often in the connection of its stream.
            return Known(OWNER)
        while True:
            times_cut = self._times_cut
            known = await self._looked_up(shown)
            # Else it may have been revoked meanwhile.
            if times_cut == self._times_cut:
                return known

    async def _looked_up(self, shown: Shown) -> Known:
        if shown.is_nothing:
            return await self._of_places.ask(shown)
        those = self._of_people if shown.certificate_pem is None else self._of_members
        return await those.ask(shown.alone)

    @contextmanager
    def _noted(self, caller: Caller, shown: Shown, task: asyncio.Task[Any]) -> Iterator[None]:
        tasks = self._going_on.setdefault(caller, set())
        tasks.add(task)
        self._owners[shown] += caller == OWNER
        try:
            with self._peers.speaking(shown.peer) if caller != STRANGER else nullcontext():
                yield
        finally:
            self._owners[shown] -= caller == OWNER
            if not self._owners[shown]:
                del self._owners[shown]
            tasks.discard(task)
            self._cut.pop(task, None)
            if not tasks and self._going_on.get(caller) is tasks:
                del self._going_on[caller]


def _shown(context: Context) -> Shown:
    authorization = [
        value for key, value in context.invocation_metadata() or () if key == "authorization"
    ]
    return Shown(
        peer=context.peer(),
        certificate_pem=certificate_of(context),
        authorization=str(authorization[0]) if authorization else None,
    )


def _subject(what: Any) -> str:
    text = what if isinstance(what, str) else ", ".join(map(str, _listed(what)))
    return text[:MAX_SUBJECT_LENGTH]


def _listed(what: Any) -> list[Any]:
    return [what] if isinstance(what, bool | int) else list(what)
