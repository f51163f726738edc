"""Stands before every call: who makes it, whether they may, and what was changed by it."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

import grpc

from controller.access.callers import OWNER, STRANGER, Callers, Shown
from controller.api.meters import Meters
from controller.api.rpc.failures import answered_failures, end
from controller.api.rpc.needs import NEEDS, UNLISTED, Need, Who
from controller.domain.access import AuditEntry, Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.state.access.audit import record_change
from controller.state.database import Database
from protos.log_lines import event_log

log = event_log(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

MAX_SUBJECT_LENGTH = 200

_caller: ContextVar[Caller] = ContextVar("caller", default=STRANGER)


def current_caller() -> Caller:
    """Who makes the call that goes on."""
    return _caller.get()


def let_speak(caller: Caller) -> None:
    """Who makes the call that goes on showed in the call itself who they are."""
    _caller.set(caller)


class Said(NamedTuple):
    """What was asked and answered; of a stream of requests none is here."""

    request: Any
    response: Any


class Guard(grpc.aio.ServerInterceptor):
    """Lets calls through, or does not."""

    def __init__(self, callers: Callers, database: Database, clock: Clock, meters: Meters) -> None:
        self._meters = meters
        self._callers = callers
        self._database = database
        self._clock = clock
        self._going_on: dict[Caller, set[asyncio.Task[Any]]] = {}
        self._cut: set[asyncio.Task[Any]] = set()
        self._times_cut = 0
        # By connection, as long as a call is open in it: nobody else has its port meanwhile.
        self._owners: Counter[str] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of a call, with the guard before it."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        # Of a method that there is not, none; gRPC says so.
        return handler and _Guarded(self, handler, method, NEEDS.get(method, UNLISTED))

    def cut_off(self, kind: CallerKind, name: str = "") -> None:
        """Ends every other call of a token or a device; without a name, of all of the kind."""
        self._times_cut += 1
        for caller, tasks in self._going_on.items():
            if caller.caller is kind and name in ("", caller.caller_name):
                others = tasks - {asyncio.current_task()}
                self._cut |= others
                for task in others:
                    task.cancel()

    @asynccontextmanager
    async def admitted(self, method: str, need: Need, context: Context) -> AsyncIterator[None]:
        """Holds a call for as long as it goes on, and counts it.

        Ends it with UNAUTHENTICATED or PERMISSION_DENIED when it may not be, or not any more.
        """
        with self._meters.call(method):
            async with self._held(method, need, context):
                yield

    @asynccontextmanager
    async def _held(self, method: str, need: Need, context: Context) -> AsyncIterator[None]:
        async with answered_failures(context):
            shown = _shown(context)
            caller = await self._caller(shown)
            _check(caller, need)
            _caller.set(caller)
        task = asyncio.current_task()
        assert task is not None
        with self._counted(caller, shown.peer, task):
            try:
                yield
            except asyncio.CancelledError:
                if task not in self._cut:
                    raise
                log.info("a call was ended, as it was revoked", method=method)
                revoked = "this was revoked by who runs the controller"
                await end(context, grpc.StatusCode.PERMISSION_DENIED, revoked)

    async def _caller(self, shown: Shown) -> Caller:
        if self._owners[shown.peer] and shown == Shown(shown.peer):
            # The kernel takes milliseconds to tell, and an agent calls often.
            return OWNER
        while True:
            times_cut = self._times_cut
            caller = await asyncio.to_thread(self._callers.caller, shown)
            # Else it may have been revoked meanwhile.
            if times_cut == self._times_cut:
                return caller

    async def changed(self, method: str, need: Need, said: Said) -> None:
        """Remembers what a call changed, if it is one that changes."""
        if need.subject is None:
            return
        subject = _subject(attrgetter(need.subject)(said))
        if not subject:
            # Who follows what goes on already changes nothing.
            return
        caller = current_caller()
        entry = AuditEntry(
            at_unix_ms=self._clock.unix_ms(),
            caller=caller.caller,
            caller_name=caller.caller_name,
            action=method.rpartition("/")[2],
            subject=subject,
        )
        await asyncio.to_thread(record_change, self._database, entry)

    @contextmanager
    def _counted(self, caller: Caller, peer: str, task: asyncio.Task[Any]) -> Iterator[None]:
        tasks = self._going_on.setdefault(caller, set())
        tasks.add(task)
        self._owners[peer] += caller == OWNER
        try:
            yield
        finally:
            self._owners[peer] -= caller == OWNER
            if not self._owners[peer]:
                del self._owners[peer]
            tasks.discard(task)
            self._cut.discard(task)
            if not tasks and self._going_on.get(caller) is tasks:
                del self._going_on[caller]


class _Guarded(grpc.RpcMethodHandler):  # type: ignore[type-arg]
    """A handler with the guard before it, of the same kind as the one behind it."""

    def __init__(self, guard: Guard, inner: Handler, method: str, need: Need) -> None:
        self.request_streaming = inner.request_streaming
        self.response_streaming = inner.response_streaming
        self.request_deserializer = inner.request_deserializer
        self.response_serializer = inner.response_serializer
        self.unary_unary = _of_one(guard, inner.unary_unary, method, need)
        self.stream_unary = _of_one(guard, inner.stream_unary, method, need)
        self.unary_stream = _of_many(guard, inner.unary_stream, method, need)
        self.stream_stream = _of_many(guard, inner.stream_stream, method, need)


def _of_one(guard: Guard, inner: Any, method: str, need: Need) -> Any:
    async def answer(request: Any, context: Context) -> Any:
        async with guard.admitted(method, need, context):
            response = await inner(request, context)
            await guard.changed(method, need, Said(request, response))
        return response

    return inner and answer


def _of_many(guard: Guard, inner: Any, method: str, need: Need) -> Any:
    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        async with guard.admitted(method, need, context):
            is_first = True
            async for response in inner(request, context):
                if is_first:
                    await guard.changed(method, need, Said(request, response))
                    is_first = False
                yield response

    async def write(request: Any, context: Context) -> None:
        async with guard.admitted(method, need, context):
            await inner(request, context)

    # gRPC's own services write what others yield.
    return inner and (stream if inspect.isasyncgenfunction(inner) else write)


def _shown(context: Context) -> Shown:
    certificates = tuple(context.auth_context().get("x509_pem_cert", ()))
    authorization = [
        value for key, value in context.invocation_metadata() or () if key == "authorization"
    ]
    return Shown(
        peer=context.peer(),
        certificate_pem=certificates[0] if certificates else None,
        authorization=str(authorization[0]) if authorization else None,
    )


def _check(caller: Caller, need: Need) -> None:
    wanted = need.of_caller
    if isinstance(wanted, Scope):
        is_enough = caller.has(wanted)
    else:
        is_enough = (
            wanted is Who.ANYONE or caller.device_id is not None or caller.may_speak_for_devices
        )
    if is_enough:
        return
    if caller.caller is CallerKind.STRANGER:
        raise EdgerankError(ErrorCode.UNKNOWN_CALLER, _UNKNOWN[isinstance(wanted, Scope)])
    lacking = f"the scope {wanted.value}" if isinstance(wanted, Scope) else "a device's certificate"
    raise EdgerankError(
        ErrorCode.NOT_ALLOWED,
        f"this needs {lacking}, which the caller has not; ask who runs the controller for it",
    )


_UNKNOWN = {
    True: "this controller asks for a token; get one from who runs it, and give it to "
    "'edgerank login'",
    False: "this controller takes no device without a certificate; start the agent with a token of "
    "'edgerank token create'",
}


def _subject(what: Any) -> str:
    text = what if isinstance(what, str) else ", ".join(map(str, _listed(what)))
    return text[:MAX_SUBJECT_LENGTH]


def _listed(what: Any) -> list[Any]:
    return [what] if isinstance(what, bool | int) else list(what)
