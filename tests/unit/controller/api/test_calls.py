"""What a call changed is written down, also when its caller hung up before it was answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from controller.access.callers import OWNER
from controller.api.limits import DEFAULTS, Load
from controller.api.rpc.calls import GuardedHandler, Said
from controller.api.rpc.held.hearing import Hearing
from controller.api.rpc.needs import Need
from controller.domain.access import Caller, Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.outliving import told_at_its_end
from tests.unit.controller.api.bounds.kept import content

PATH = "/test.Service/Bring"
NEED = Need(Scope.MODELS, "response")


class Noting:
    """In the place of a guard: lets everybody in, and remembers what was changed."""

    limits = DEFAULTS

    def __init__(self) -> None:
        self.hearing = Hearing(DEFAULTS)
        self.noted: list[Any] = []
        self.has_ended = asyncio.Event()

    @asynccontextmanager
    async def admitted(self, _method: str, _need: Need, _context: Any) -> AsyncIterator[Caller]:
        try:
            yield OWNER
        finally:
            self.has_ended.set()

    async def changed(self, _method: str, _need: Need, said: Said) -> None:
        self.noted.append(said.response)

    async def keep(self, _peer: str, _size_bytes: int, _held: ExitStack) -> None:
        pass

    async def write(self, context: Any, response: Any, _load: Load) -> None:
        await context.write(response)


async def hang_up(call: Any, channel: grpc.aio.Channel) -> None:
    """Returns when the other side has heard of it: before the next call in the connection."""
    call.cancel()
    next_call: Any = channel.unary_unary("/test.Service/Next")
    assert await next_call(b"") == b""


async def _answer(request: bytes, _context: Any) -> bytes:
    return request


class Bringing:
    """A call that takes what is brought, waits, keeps it for good, and answers."""

    def __init__(self) -> None:
        self.came, self.may_keep = asyncio.Event(), asyncio.Event()
        self.keeps, self.may_be_kept = asyncio.Event(), asyncio.Event()
        self.kept: list[bytes] = []

    async def bring(self, requests: AsyncIterator[bytes], _context: Any) -> bytes:
        brought = b"".join([request async for request in requests])
        self.came.set()
        await self.may_keep.wait()
        return await told_at_its_end(self._keep(brought))

    async def _keep(self, brought: bytes) -> bytes:
        self.keeps.set()
        await self.may_be_kept.wait()
        self.kept.append(brought)
        return brought

    async def follow(self, request: BytesValue, _context: Any) -> AsyncIterator[bytes]:
        self.keeps.set()
        await self.may_be_kept.wait()
        self.kept.append(request.value)
        yield request.value
        await asyncio.Event().wait()


@asynccontextmanager
async def calling(guard: Noting, bringing: Bringing) -> AsyncIterator[Any]:
    """A call under way that brought all that it brings."""

    async def requests() -> AsyncIterator[bytes]:
        yield b"a model"

    async with _served(guard, grpc.stream_unary_rpc_method_handler(bringing.bring)) as channel:
        bring: Any = channel.stream_unary(PATH)
        yield bring(requests()), channel


@asynccontextmanager
async def _served(guard: Noting, inner: Any) -> AsyncIterator[grpc.aio.Channel]:
    class Handlers(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            if str(details.method) != PATH:
                return grpc.unary_unary_rpc_method_handler(_answer)
            return GuardedHandler(guard, inner, PATH, NEED)  # type: ignore[arg-type]

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def test_what_is_answered_is_noted() -> None:
    guard, bringing = Noting(), Bringing()
    bringing.may_keep.set()
    bringing.may_be_kept.set()
    async with calling(guard, bringing) as (call, _channel):
        assert await call == b"a model"
    assert guard.noted == bringing.kept == [b"a model"]


async def test_what_is_being_kept_when_its_caller_hangs_up_is_noted() -> None:
    guard, bringing = Noting(), Bringing()
    bringing.may_keep.set()
    async with calling(guard, bringing) as (call, channel):
        await bringing.keeps.wait()
        await hang_up(call, channel)
        bringing.may_be_kept.set()
        await asyncio.wait_for(guard.has_ended.wait(), 60)
    assert guard.noted == bringing.kept == [b"a model"]


async def test_who_hangs_up_before_anything_is_kept_changes_nothing() -> None:
    guard, bringing = Noting(), Bringing()
    async with calling(guard, bringing) as (call, channel):
        await bringing.came.wait()
        await hang_up(call, channel)
        await asyncio.wait_for(guard.has_ended.wait(), 60)
    assert guard.noted == bringing.kept == []


async def test_what_a_stream_begins_is_noted_though_its_caller_hung_up_before_it_was_told() -> None:
    guard, bringing = Noting(), Bringing()
    async with _served(
        guard, grpc.unary_stream_rpc_method_handler(bringing.follow, BytesValue.FromString)
    ) as channel:
        follow: Any = channel.unary_stream(PATH)
        call = follow(BytesValue(value=b"a profile").SerializeToString())
        await asyncio.wait_for(bringing.keeps.wait(), 60)
        await hang_up(call, channel)
        assert not guard.has_ended.is_set()
        bringing.may_be_kept.set()
        await asyncio.wait_for(guard.has_ended.wait(), 60)
    assert guard.noted == bringing.kept == [b"a profile"]


class FullOfRequests(Noting):
    """A guard without room for any more."""

    async def keep(self, _peer: str, _size_bytes: int, _held: ExitStack) -> None:
        raise EdgerankError(ErrorCode.LIMIT, "there is no room")


class FullOfAnswers(Noting):
    """The same for answers."""

    async def write(self, _context: Any, _response: Any, _load: Load) -> None:
        raise EdgerankError(ErrorCode.LIMIT, "there is no room")


class Calling:
    """In the place of gRPC: one request, and what is there of its content as the call is ended."""

    def __init__(self, request: bytes) -> None:
        self._requests = [request]
        self.is_there: Callable[[], object] = object
        self.at_its_end: object = self

    def peer(self) -> str:
        return "ipv4:192.0.2.1:1"

    async def read(self) -> bytes:
        return self._requests.pop()

    async def abort(self, *_why: Any) -> None:
        self.at_its_end = self.is_there()
        raise grpc.aio.AbortError


async def ended(guard: Noting, inner: Any, calling: Calling) -> object:
    """What is there of the content as the call is ended."""
    handler: Any = GuardedHandler(guard, inner, PATH, NEED)  # type: ignore[arg-type]
    with suppress(grpc.aio.AbortError):
        await handler.stream_stream(None, calling)
    return calling.at_its_end


@pytest.mark.parametrize(
    ("guard", "encoded"),
    [(FullOfRequests(), b""), (Noting(), b"\xff")],
    ids=["no room", "no message"],
)
async def test_of_a_request_that_is_refused_nothing_is_left_while_that_is_told(
    guard: Noting, encoded: bytes
) -> None:
    inner: Any = grpc.unary_unary_rpc_method_handler(_answer, BytesValue.FromString)
    request, is_there = content(encoded)
    calling = Calling(request)
    calling.is_there = is_there
    del request
    assert await ended(guard, inner, calling) is None


async def test_of_an_answer_that_is_refused_nothing_is_left_while_that_is_told() -> None:
    calling = Calling(b"")

    def encoded(response: bytes) -> bytes:
        answer, calling.is_there = content(response)
        return answer

    async def each(request: BytesValue, _context: Any) -> AsyncIterator[bytes]:
        yield request.value

    inner: Any = grpc.unary_stream_rpc_method_handler(each, BytesValue.FromString, encoded)
    assert await ended(FullOfAnswers(), inner, calling) is None
