"""A fake controller: a real gRPC server with the real contract that does as a test tells it.

It speaks this build's contract, or that of another version.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from protos.v1 import fleet_pb2

HEARTBEAT_INTERVAL_MS = 100
CHUNK_BYTES = 256 * 1024
_END = object()


class AgentCall:
    """One agent's stream, as the controller sees it."""

    def __init__(self, hello: Any, contract: Any) -> None:
        self.hello = hello
        self._contract = contract
        self.received: asyncio.Queue[Any] = asyncio.Queue()
        self.has_ended = asyncio.Event()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()

    def answer(self, **message: Any) -> None:
        self._answers.put_nowait(self._contract.ConnectResponse(**message))

    def lease(self, lease: Any) -> None:
        self.answer(lease=lease)

    def commit(self, attempt_id: str) -> None:
        self.answer(report_committed=self._contract.ReportCommitted(attempt_id=attempt_id))

    def refuse(self, attempt_id: str, why: str) -> None:
        self.answer(report_refused=self._contract.ReportRefused(attempt_id=attempt_id, why=why))

    def hang_up(self) -> None:
        self._answers.put_nowait(_END)

    async def next(self, kind: str) -> Any:
        """The next message of a kind; others are passed over."""
        while True:
            request = await self.received.get()
            if request.WhichOneof("message") == kind:
                return getattr(request, kind)

    async def answers(self) -> AsyncIterator[Any]:
        while (answer := await self._answers.get()) is not _END:
            yield answer


class FakeController:
    """Serves artifacts from memory and hands every stream to the test."""

    def __init__(self, contract: Any = fleet_pb2) -> None:
        """`contract` has the messages that it speaks with."""
        self.contract = contract
        self.port = 0
        self.calls: asyncio.Queue[AgentCall] = asyncio.Queue()
        self.artifacts: dict[str, bytes] = {}
        self.fetches: list[int] = []
        # Each fetch breaks off after so many bytes, as long as there are numbers.
        self.cuts_bytes: list[int] = []
        # A fetch is never answered, or not beyond so many bytes; `held` tells that there is one.
        self.holds_fetches = False
        self.holds_after_bytes: int | None = None
        self.held = asyncio.Event()
        # The first fetches give altered bytes, so many of them.
        self.altered_fetches = 0
        # Its own bytes are damaged, as it finds out at their end.
        self.damaged = False
        self.refuse_with: grpc.StatusCode | None = None
        # Whoever fetches is told so.
        self.deny_with: grpc.StatusCode | None = None
        # Nobody is welcome until it is set.
        self.may_welcome = asyncio.Event()
        self.may_welcome.set()
        # Whose turn has not come is told to wait for so long.
        self.turn = asyncio.Event()
        self.turn.set()
        self.wait_ms = 0
        self.greetings = 0
        self._greeted = asyncio.Condition()

    def store(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.artifacts[sha256] = content
        return sha256

    async def next_call(self) -> AgentCall:
        return await self.calls.get()

    async def greeted(self, times: int) -> None:
        """Returns once agents have said Hello so often."""
        async with self._greeted:
            await self._greeted.wait_for(lambda: self.greetings >= times)

    def welcome(self) -> Any:
        return self.contract.Welcome(heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS)

    async def Connect(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802 (gRPC's name)
        first = await anext_of(request_iterator)
        if self.refuse_with is not None:
            await context.abort(self.refuse_with, f"the name {first.hello.name} is taken")
        self.greetings += 1
        async with self._greeted:
            self._greeted.notify_all()
        if not self.turn.is_set():
            yield self.contract.ConnectResponse(in_line=self.contract.InLine(wait_ms=self.wait_ms))
            await self.turn.wait()
        call = AgentCall(first.hello, self.contract)
        call.answer(welcome=self.welcome())

        async def receive() -> None:
            async for request in request_iterator:
                call.received.put_nowait(request)

        receiving = asyncio.create_task(receive())
        self.calls.put_nowait(call)
        try:
            await self.may_welcome.wait()
            async for answer in call.answers():
                yield answer
        finally:
            call.has_ended.set()
            receiving.cancel()

    async def FetchArtifact(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's name)
        self.fetches.append(request.offset_bytes)
        if self.deny_with is not None:
            await context.abort(self.deny_with, "its certificate has ended")
        content = self.artifacts.get(request.sha256)
        if content is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such artifact")
            return
        if self.holds_fetches:
            self.held.set()
            await asyncio.Event().wait()
        if self.altered_fetches:
            self.altered_fetches -= 1
            content = bytes([content[0] ^ 1]) + content[1:]
        cut = self.cuts_bytes.pop(0) if self.cuts_bytes else None
        end = len(content) if cut is None else request.offset_bytes + cut
        if self.holds_after_bytes is not None:
            end = self.holds_after_bytes
        for offset in range(request.offset_bytes, end, CHUNK_BYTES):
            chunk = content[offset : min(offset + CHUNK_BYTES, end)]
            yield self.contract.FetchArtifactResponse(chunk=chunk)
        if self.holds_after_bytes is not None:
            self.held.set()
            await asyncio.Event().wait()
        if cut is not None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "cut off")
        if self.damaged:
            await context.abort(grpc.StatusCode.DATA_LOSS, "it is made again")


async def anext_of(iterator: Any) -> Any:
    return await iterator.__anext__()


def _handler(controller: FakeController) -> grpc.GenericRpcHandler:
    contract = controller.contract
    return grpc.method_handlers_generic_handler(
        "edgerank.v1.Fleet",
        {
            "Connect": grpc.stream_stream_rpc_method_handler(
                controller.Connect,
                request_deserializer=contract.ConnectRequest.FromString,
                response_serializer=contract.ConnectResponse.SerializeToString,
            ),
            "FetchArtifact": grpc.unary_stream_rpc_method_handler(
                controller.FetchArtifact,
                request_deserializer=contract.FetchArtifactRequest.FromString,
                response_serializer=contract.FetchArtifactResponse.SerializeToString,
            ),
        },
    )


@asynccontextmanager
async def serving(controller: FakeController, port: int = 0) -> AsyncIterator[FakeController]:
    """Run the controller on a port of 127.0.0.1; 0 lets the system choose."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_handler(controller),))
    controller.port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield controller
    finally:
        await server.stop(grace=None)
