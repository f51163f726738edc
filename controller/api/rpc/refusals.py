"""Tells of calls that were refused: in the log, folded, and of changes in the log of changes."""

import asyncio
from typing import Final, NamedTuple

import grpc

from controller.access.connections import place_of
from controller.api.folding import Folded, Folding
from controller.domain.access import AuditEntry, Caller, CallerKind
from controller.domain.errors import EdgerankError
from controller.fleet.clock import Clock
from controller.state.access.audit import record_change
from controller.state.database import Database
from protos.log_lines import event_log

log = event_log(__name__)

REFUSING: Final = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
LOG_WINDOW_MS: Final = 60_000
# Else who may change little could push the changes of all others out of their log.
_AUDIT_WINDOW_MS: Final = 3_600_000
_MOST_KINDS: Final = 200
_MOST_WORDS: Final = 300


class Refusal(NamedTuple):
    """A call that was refused.

    Attributes:
        action: the name of the call, as in StartSweep.
        changes: whether it would have changed something.
        caller: who made it, as far as known.
        peer: where they are, as gRPC calls it.
        status: what it was answered with.
        why: the sentence of it.
    """

    action: str
    changes: bool
    caller: Caller
    peer: str
    status: grpc.StatusCode
    why: str


class _Kind(NamedTuple):
    who: str
    status: str


class Refusals:
    """Tells of calls that were refused."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._told: Folding[_Kind] = Folding(LOG_WINDOW_MS, _MOST_KINDS)
        self._audited: Folding[tuple[str, str]] = Folding(_AUDIT_WINDOW_MS, _MOST_KINDS)

    async def tell(self, refusal: Refusal) -> None:
        """Tells of one."""
        now_ms = self._clock.monotonic_ms()
        kind = _Kind(_who(refusal), refusal.status.name)
        if self._told.is_told(kind, now_ms):
            why = refusal.why[:_MOST_WORDS]
            facts = {"caller": kind.who, "call": refusal.action, "status": kind.status}
            log.warning("refused", **facts, why=why)
        caller = refusal.caller
        if not refusal.changes or caller.caller in (CallerKind.STRANGER, CallerKind.JOIN_TOKEN):
            return
        if self._audited.is_told((caller.caller_name, refusal.action), now_ms):
            entry = AuditEntry(
                at_unix_ms=self._clock.unix_ms(),
                caller=caller.caller,
                caller_name=caller.caller_name,
                action=refusal.action,
                subject="",
                was_refused=True,
            )
            try:
                await asyncio.to_thread(record_change, self._database, entry)
            except EdgerankError as error:
                # It was refused all the same, and stands in this log.
                log.error("a refused change was not written down", error=error)

    def look(self) -> None:
        """Tells how many more came, of those whose time is over."""
        now_ms = self._clock.monotonic_ms()
        self._audited.ended(now_ms)
        for folded in self._told.ended(now_ms):
            _tell_more(folded)

    def close(self) -> None:
        """Tells how many more came."""
        for folded in self._told.rest():
            _tell_more(folded)


def _tell_more(folded: Folded[_Kind]) -> None:
    if folded.key is None:
        log.warning("refused more calls, to too many others to name", call_count=folded.repeats)
    else:
        facts = {"caller": folded.key.who, "status": folded.key.status}
        log.warning("refused more calls", **facts, call_count=folded.repeats)


def _who(refusal: Refusal) -> str:
    caller, place = refusal.caller, place_of(refusal.peer)
    names = {
        CallerKind.OWNER: "the owner",
        CallerKind.TOKEN: f"the token {caller.caller_name}",
        CallerKind.MEMBER: f"the device {caller.caller_name}",
        CallerKind.JOIN_TOKEN: f"the join token {caller.caller_name}",
        CallerKind.ANYBODY: "somebody",
        CallerKind.STRANGER: "a stranger",
    }
    return f"{names[caller.caller]} at {place}"
