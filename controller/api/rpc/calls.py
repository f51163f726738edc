"""A handler with the guard before it: nothing of a call is read before its caller is let in.

To gRPC each is one of streams, which it hands over at the header of a call. Of the other kinds it
reads the request first, whoever sends it, and for as long as that takes.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, aclosing, closing
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from controller.api.rpc.failures import answered_failures, end
from controller.api.rpc.held.begun import Incoming, uncounted
from controller.domain.access import Caller, Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.outliving import to_its_end, told_at_its_end
from protos.codec import refuse_unknown

if TYPE_CHECKING:
    from controller.api.limits import Limits, Load
    from controller.api.rpc.guard import Guard
    from controller.api.rpc.held.hearing import Heard
    from controller.api.rpc.needs import Need

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
# Of a peer, as gRPC says.
Counting: TypeAlias = "Callable[[str], Incoming]"


class Said(NamedTuple):
    """What was asked and answered; of a stream of requests none is here."""

    request: Any
    response: Any


class GuardedHandler(grpc.RpcMethodHandler):  # type: ignore[type-arg]
    """A handler with the guard before it."""

    def __init__(
        self, guard: Guard, inner: Handler, method: str, need: Need, incoming: Counting = uncounted
    ) -> None:
        """`incoming` counts what comes in the call."""
        self.request_streaming = True
        self.response_streaming = True
        # A single request is weighed first.
        self.request_deserializer = inner.request_deserializer if inner.request_streaming else None
        # An answer is weighed before it is told; gRPC's own services tell theirs themselves.
        self.response_serializer = None if _tells(inner) else inner.response_serializer
        self.unary_unary = None
        self.unary_stream = None
        self.stream_unary = None
        self.stream_stream = _guarded(guard, inner, method, need, incoming)


def _behaviour(inner: Handler) -> Any:
    behaviours = (inner.unary_unary, inner.unary_stream, inner.stream_unary, inner.stream_stream)
    return next(each for each in behaviours if each is not None)


def _tells(inner: Handler) -> bool:
    """Whether we tell what a handler gives."""
    return not inner.response_streaming or inspect.isasyncgenfunction(_behaviour(inner))


def _guarded(guard: Guard, inner: Handler, method: str, need: Need, incoming: Counting) -> Any:
    behaviour = _behaviour(inner)
    encode: Callable[[Any], bytes] = inner.response_serializer or bytes

    async def answer(_requests: AsyncIterator[Any], context: Context) -> None:
        async with guard.admitted(method, need, context) as caller:
            with closing(incoming(context.peer())) as coming, ExitStack() as held:
                async with answered_failures(context):
                    if inner.request_streaming:
                        request: Any = _Each(context, guard.limits, coming)
                    else:
                        async with guard.hearing.turn(caller, context.peer()) as heard:
                            content = await _only(context, heard, coming)
                        try:
                            await guard.keep(context.peer(), len(content), held)
                            request = _decoded(content, inner.request_deserializer, need)
                        finally:
                            # It is counted no more, or never was.
                            del content
                await tell(caller, request, context)

    async def made(caller: Caller, request: Any, context: Context) -> bytes:
        if need.subject is None:
            async with answered_failures(context), guard.hearing.answering(caller, need.load):
                return encode(await behaviour(request, context))
        answering = _answered(guard, method, need, behaviour(request, context), request)
        lasting = _unless_hung_up if inner.request_streaming else to_its_end
        return encode(await lasting(answering))

    async def tell(caller: Caller, request: Any, context: Context) -> None:
        if not inner.response_streaming:
            await _told(guard, context, await made(caller, request, context), need.load)
        elif _tells(inner):
            is_noted = asyncio.Event()

            async def tell_each(response: Any) -> None:
                if not is_noted.is_set():
                    await guard.changed(method, need, Said(request, response))
                    is_noted.set()
                # Here it would outlive its refusal.
                telling = _told(guard, context, encode(response), need.load)
                del response
                await telling

            telling = _each_told(behaviour(request, context), tell_each)
            await (telling if need.subject is None else _once(is_noted, telling))
        else:
            await behaviour(request, context)

    return answer


async def _told(guard: Guard, context: Context, content: bytes, load: Load) -> None:
    try:
        await guard.write(context, content, load)
    except EdgerankError as error:
        refused = error.code, str(error)
    else:
        return
    # There was no room for it, and the refusal may wait to be told.
    del content
    await end(context, *refused)


async def _answered(
    guard: Guard, method: str, need: Need, answering: Awaitable[Any], request: Any
) -> Any:
    response = await answering
    # Who hangs up meanwhile does not keep it out of the log of changes.
    await told_at_its_end(guard.changed(method, need, Said(request, response)))
    return response


async def _each_told(
    responses: AsyncGenerator[Any, None], tell: Callable[[Any], Awaitable[None]]
) -> None:
    async with aclosing(responses):
        async for response in responses:
            telling = tell(response)
            del response
            await telling


async def _once(is_noted: asyncio.Event, telling: Awaitable[None]) -> None:
    """Tells what a call gives whose caller may hang up once what it changes is written down."""
    task = asyncio.ensure_future(telling)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        noted = asyncio.ensure_future(is_noted.wait())
        try:
            await asyncio.wait([task, noted], return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            noted.cancel()
        await asyncio.wait([task])
        raise


async def _unless_hung_up(answering: Awaitable[Any]) -> Any:
    """Gives the answer to a call whose caller may hang up before it changes anything.

    In a task of its own, whose cancellation what is changed already can wait out; that of the task
    that gRPC knows is for who waits here.
    """
    task = asyncio.ensure_future(answering)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise


async def _only(context: Context, heard: Heard, coming: Incoming) -> bytes:
    """The request of a call that has one, as it came."""
    content: bytes | None = await _next(context, heard.within_s, coming)
    if content is None:
        raise EdgerankError(ErrorCode.INVALID_INPUT, "the call ended before its request came")
    if (size_bytes := len(content)) > heard.most_bytes:
        # Else it is kept for as long as the refusal waits to be told.
        del content
        raise EdgerankError(
            ErrorCode.LIMIT,
            f"a request of {size_bytes} bytes is too long, {heard.most_bytes} may be; ask for less "
            "at once",
        )
    return content


def _decoded(content: bytes, decode: Callable[[bytes], Any] | None, need: Need) -> Any:
    """A request; of what people ask nothing is passed over."""
    try:
        request: Any = content if decode is None else decode(content)
    except DecodeError as error:
        # As with one that is too long.
        del content
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "the request is no message of the contract; use one edgerank version on both sides",
        ) from error
    if isinstance(need.of_caller, Scope):
        refuse_unknown(request)
    return request


class _Each:
    """The requests of a stream, for as long as it does not fall silent.

    None of them is kept until the next one comes, as a generator would.
    """

    def __init__(self, context: Context, limits: Limits, coming: Incoming) -> None:
        self._context = context
        self._coming = coming
        self._within_s = limits.request_s
        self._silence_s = limits.silence_s

    def __aiter__(self) -> _Each:
        return self

    async def __anext__(self) -> Any:
        request = await _next(self._context, self._within_s, self._coming)
        if request is None:
            raise StopAsyncIteration
        self._within_s = self._silence_s
        return request


async def _next(context: Context, within_s: float, coming: Incoming) -> Any:
    """The next request; None after the last.

    gRPC's own iterator keeps what it gave until it gives the next.

    Raises:
        EdgerankError: LIMIT when it does not come in time.
    """
    patience = _Patience(within_s / 2)
    size_bytes: int | None = None
    coming.begins()
    try:
        request = await context.read()
        if request is grpc.aio.EOF:
            return None
        size_bytes = len(request) if isinstance(request, bytes) else request.ByteSize()
        return request
    except asyncio.CancelledError:
        if not patience.is_over:
            raise
    finally:
        coming.ends(size_bytes)
        patience.end()
    raise EdgerankError(
        ErrorCode.LIMIT,
        f"nothing more came within {within_s:g} s, and nobody may hold a call without a word; call "
        "again",
    )


class _Patience:
    """Ends what the task waits for in which it was made, after twice the half of a time.

    In halves: what came while this process itself stood still is heard in the second. A task or two
    more for each message that is waited for would cost more than the message.

    Attributes:
        is_over: whether it has ended it.
    """

    def __init__(self, half_s: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.is_over = False
        self._task = task
        self._half_s = half_s
        self._timer = task.get_loop().call_later(half_s, self._go_on)

    def end(self) -> None:
        """What was waited for is there."""
        self._timer.cancel()

    def _go_on(self) -> None:
        self._timer = self._task.get_loop().call_later(self._half_s, self._give_up)

    def _give_up(self) -> None:
        self.is_over = True
        self._task.cancel()
