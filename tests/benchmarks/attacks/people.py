"""What somebody does with a token of theirs that is good for less than harm."""

import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import grpc

from controller.domain.catalog import OwnFile, OwnModelHeader
from controller.domain.sweeps import MAX_THREADS, MIN_TIME_BUDGET_MS, SweepSpec
from models.catalog.own import OwnFormat
from models.catalog.variants import WeightsKind
from protos.codec import to_message
from protos.inputs import square
from protos.runtimes import Runtime
from protos.v1 import query_pb2, query_pb2_grpc
from tests.benchmarks.attacks.targets import ANSWER_S, Targets, bearer

_WATCHERS = 500
_WATCHERS_A_CONNECTION = 90
_CHUNK_BYTES = 65_536
_BETWEEN_S = 1.0


async def watch_by_the_hundred(targets: Targets, tally: "Counter[str]") -> None:
    """Watchers of the honest sweep."""

    async def one(channel: grpc.aio.Channel) -> None:
        stub = query_pb2_grpc.QueryStub(channel)
        request = query_pb2.WatchSweepRequest(sweep_id=targets.sweep)
        while True:
            with suppress(grpc.aio.AioRpcError):
                async for _ in stub.WatchSweep(request, metadata=bearer(targets.reader)):
                    tally["snapshots watched"] += 1
            await asyncio.sleep(_BETWEEN_S)

    async def some(count: int) -> None:
        async with targets.door() as channel:
            await asyncio.gather(*(one(channel) for _ in range(count)))

    connections = math.ceil(targets.many(_WATCHERS) / _WATCHERS_A_CONNECTION)
    each = math.ceil(targets.many(_WATCHERS) / connections)
    await asyncio.gather(*(some(each) for _ in range(connections)))


async def ask_for_millions_of_jobs(targets: Targets, tally: "Counter[str]") -> None:
    """Sweeps of which every range is allowed, and the product is not."""
    spec = SweepSpec(
        backbones=tuple(f"network-{number}" for number in range(300)),
        devices=(),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=tuple(range(1, MAX_THREADS + 1)),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=1,
        most_repetitions=1,
        relative_half_width=0.1,
        time_budget_ms=MIN_TIME_BUDGET_MS,
        input_sizes=tuple(map(square, range(32, 512))),
    )
    request = query_pb2.StartSweepRequest(spec=to_message(spec, query_pb2.SweepSpec))
    async with targets.door() as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        while True:
            with suppress(grpc.aio.AioRpcError):
                await stub.StartSweep(request, timeout=ANSWER_S, metadata=bearer(targets.operator))
            tally["sweeps of millions of jobs"] += 1
            await asyncio.sleep(_BETWEEN_S)


async def add_poisoned_models(targets: Targets, tally: "Counter[str]") -> None:
    """Files that would reach beyond a network, one after the other."""
    async with targets.door() as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        while True:
            for number, path in enumerate(map(Path, targets.poison)):
                content = await asyncio.to_thread(path.read_bytes)
                with suppress(grpc.aio.AioRpcError):
                    await stub.AddModel(
                        _upload(f"poison-{number}", content),
                        timeout=ANSWER_S,
                        metadata=bearer(targets.adder),
                    )
                tally["poisoned models"] += 1
                await asyncio.sleep(_BETWEEN_S)


async def _upload(name: str, content: bytes) -> AsyncIterator[query_pb2.AddModelRequest]:
    file = OwnFile(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    header = OwnModelHeader(name=name, format=OwnFormat.ONNX, files=(file,))
    yield query_pb2.AddModelRequest(header=to_message(header, query_pb2.OwnModelHeader))
    for start in range(0, len(content), _CHUNK_BYTES):
        yield query_pb2.AddModelRequest(chunk=content[start : start + _CHUNK_BYTES])
