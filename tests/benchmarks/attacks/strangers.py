"""What somebody does who has nothing but the controller's address."""

import asyncio
import os
from collections import Counter
from contextlib import suppress

import grpc

from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc
from tests.benchmarks.attacks.targets import ANSWER_S, Targets
from tests.integration.bounds.conftest import half_a_handshake

_BYTES = 65_536
_HELD = 250
_BETWEEN_S = 0.05


async def send_raw_bytes(targets: Targets, tally: "Counter[str]") -> None:
    """Bytes that mean nothing."""
    while True:
        for host, port in targets.hosts():
            with suppress(OSError, asyncio.TimeoutError):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(os.urandom(_BYTES))
                    await writer.drain()
                    await asyncio.wait_for(reader.read(_BYTES), _BETWEEN_S * 10)
                finally:
                    writer.close()
            tally["connections with raw bytes"] += 1
        await asyncio.sleep(_BETWEEN_S)


async def hold_silent_connections(targets: Targets, tally: "Counter[str]") -> None:
    """Connections on which nothing is ever said."""
    await _hold(targets, tally, b"", "silent connections")


async def hold_half_handshakes(targets: Targets, tally: "Counter[str]") -> None:
    """Handshakes that stop in the middle of their first message."""
    await _hold(targets, tally, half_a_handshake(), "half-open handshakes")


async def guess_tokens(targets: Targets, tally: "Counter[str]") -> None:
    """Join tokens that nobody made."""
    async with targets.door() as channel:
        stub = fleet_pb2_grpc.JoiningStub(channel)
        while True:
            request = fleet_pb2.JoinRequest(secret=os.urandom(32))
            with suppress(grpc.aio.AioRpcError):
                await stub.Join(request, timeout=ANSWER_S)
            tally["guessed tokens"] += 1
            await asyncio.sleep(_BETWEEN_S)


async def ask_without_token(targets: Targets, tally: "Counter[str]") -> None:
    """Questions of who may ask nothing."""
    async with targets.door() as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        while True:
            with suppress(grpc.aio.AioRpcError):
                await stub.ListDevices(query_pb2.ListDevicesRequest(), timeout=ANSWER_S)
            tally["questions of strangers"] += 1
            await asyncio.sleep(_BETWEEN_S)


async def _hold(targets: Targets, tally: "Counter[str]", said: bytes, name: str) -> None:
    """Keep many connections open on which no more is said than this; what is closed comes again."""

    async def one(host: str, port: int) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port)
                tally[name] += 1
                writer.write(said)
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    each = targets.many(_HELD)
    await asyncio.gather(*(one(*place) for place in targets.hosts() for _ in range(each)))
