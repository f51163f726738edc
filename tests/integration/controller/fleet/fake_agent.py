"""A fake agent: a real client of the real service, in the words of any version of the contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

FLEET = "/edgerank.v1.Fleet"


class FakeAgent:
    """Says what a test tells it to, and hears what the controller answers."""

    def __init__(self, channel: grpc.aio.Channel, contract: Any) -> None:
        """`contract` has the messages that it speaks with."""
        self.contract = contract
        self._channel = channel
        connect = channel.stream_stream(
            f"{FLEET}/Connect",
            request_serializer=contract.ConnectRequest.SerializeToString,
            response_deserializer=contract.ConnectResponse.FromString,
        )
        self._call: Any = connect()

    async def say(self, **part: Any) -> None:
        await self._call.write(self.contract.ConnectRequest(**part))

    async def next(self, kind: str) -> Any:
        """The next message of a kind; others are passed over."""
        return getattr(await self.answer(kind), kind)

    async def answer(self, kind: str) -> Any:
        """The next response of a kind, with what came beside it."""
        while (response := await self._call.read()) is not grpc.aio.EOF:
            if response.WhichOneof("message") == kind:
                return response
        raise AssertionError(f"the stream ended: {await self._call.details()}")

    async def lease(self) -> Any:
        """Asks for work, and gets it."""
        await self.say(ready=self.contract.Ready())
        return await self.next("lease")

    async def fetch(self, sha256: str) -> bytes:
        """An artifact's bytes."""
        call: Any = self._channel.unary_stream(
            f"{FLEET}/FetchArtifact",
            request_serializer=self.contract.FetchArtifactRequest.SerializeToString,
            response_deserializer=self.contract.FetchArtifactResponse.FromString,
        )
        chunks = call(self.contract.FetchArtifactRequest(sha256=sha256))
        return b"".join([response.chunk async for response in chunks])


@asynccontextmanager
async def fake_agent(address: str, contract: Any) -> AsyncIterator[FakeAgent]:
    """An agent that has dialled and said nothing yet."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield FakeAgent(channel, contract)
