"""A handler with the guard before it: nothing of a call is read before its caller is let in.

To gRPC each is one of streams, which it hands over at the header of a call. Of the other kinds it
reads the request first, whoever sends it, and for as long as that takes.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from controller.api.rpc.failures import answered_failures
from controller.domain.access import Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.outliving import to_its_end, told_at_its_end
from protos.codec import refuse_unknown

if TYPE_CHECKING:
    from controller.api.limits import Limits
    from controller.api.rpc.guard import Guard
    from controller.api.rpc.hearing import Heard
    from controller.api.rpc.needs import Need

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Said(NamedTuple):
    """What was asked and answered; of a stream of requests none is here."""

    request: Any
    response: Any


class GuardedHandler(grpc.RpcMethodHandler):  # type: ignore[type-arg]
    """A handler with the guard before it."""

    def __init__(self, guard: Guard, inner: Handler, method: str, need: Need) -> None:
        self.request_streaming = True
        self.response_streaming = True
        # A single request is weighed first.
        self.request_deserializer = inner.request_deserializer if inner.request_streaming else None
        self.response_serializer = inner.response_serializer
        self.unary_unary = None
        self.unary_stream = None
        self.stream_unary = None
        self.stream_stream = _guarded(guard, inner, method, need)


def _guarded(guard: Guard, inner: Handler, method: str, need: Need) -> Any:
    behaviours = (inner.unary_unary, inner.unary_stream, inner.stream_unary, inner.stream_stream)
    behaviour: Any = next(each for each in behaviours if each is not None)

    async def answer(requests: AsyncIterator[Any], context: Context) -> None:
        async with guard.admitted(method, need, context) as caller:
            async with answered_failures(context):
                if inner.request_streaming:
                    request: Any = _each(requests, guard.limits)
                else:
                    async with guard.hearing.turn(caller, context.peer()) as heard:
                        request = await _only(requests, inner.request_deserializer, need, heard)
            if not inner.response_streaming:
                answering = _answered(guard, method, need, behaviour(request, context), request)
                if need.subject is not None:
                    lasting = _unless_hung_up if inner.request_streaming else to_its_end
                    answering = lasting(answering)
                response = await answering
                await guard.write(context, response)
            elif inspect.isasyncgenfunction(behaviour):
                is_noted = asyncio.Event()

                async def tell(response: Any) -> None:
                    if not is_noted.is_set():
                        await guard.changed(method, need, Said(request, response))
                        is_noted.set()
                    await guard.write(context, response)

                telling = _each_told(behaviour(request, context), tell)
                await (telling if need.subject is None else _once(is_noted, telling))
            else:
                # gRPC's own services write themselves.
                await behaviour(request, context)

    return answer


async def _answered(
    guard: Guard, method: str, need: Need, answering: Awaitable[Any], request: Any
) -> Any:
    response = await answering
    if need.subject is not None:
        # Who hangs up meanwhile does not keep it out of the log of changes.
        await told_at_its_end(guard.changed(method, need, Said(request, response)))
    return response


async def _each_told(
    responses: AsyncGenerator[Any, None], tell: Callable[[Any], Awaitable[None]]
) -> None:
    async with aclosing(responses):
        async for response in responses:
            await tell(response)


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


async def _only(requests: AsyncIterator[bytes], decode: Any, need: Need, heard: Heard) -> Any:
    """The request of a call that has one; of what people ask nothing is passed over."""
    content = await _next(requests, heard.within_s)
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
    try:
        request = decode(content)
    except DecodeError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "the request is no message of the contract; use one edgerank version on both sides",
        ) from error
    if isinstance(need.of_caller, Scope):
        refuse_unknown(request)
    return request


async def _each(requests: AsyncIterator[Any], limits: Limits) -> AsyncIterator[Any]:
    """The requests of a stream, for as long as it does not fall silent."""
    within_s = limits.request_s
    while (request := await _next(requests, within_s)) is not None:
        yield request
        within_s = limits.silence_s


async def _next(requests: AsyncIterator[Any], within_s: float) -> Any:
    """The next request; None after the last.

    Raises:
        EdgerankError: LIMIT when it does not come in time.
    """
    patience = _Patience(within_s / 2)
    try:
        return await anext(requests, None)
    except asyncio.CancelledError:
        if not patience.is_over:
            raise
    finally:
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
