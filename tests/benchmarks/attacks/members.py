"""What a device does that has a certificate and wants to do harm."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import grpc

from protos.v1 import fleet_pb2, types_pb2
from tests.benchmarks.attacks.targets import ANSWER_S, Targets

_CONNECT = "/edgerank.v1.Fleet/Connect"
_SILENT = 90
_FLOODS = 4
_BETWEEN_LARGE_S = 0.5
_BETWEEN_SMALL_S = 0.005


async def say_crowded_hellos(targets: Targets, tally: "Counter[str]") -> None:
    """A Hello of megabytes, which would be far more once it is decoded."""
    crowded = types_pb2.DeviceProfile(caches=[types_pb2.CpuCache()] * 1_000_000)
    said = _hello(targets, crowded)
    async with targets.members_door() as channel:
        while True:
            await _say(channel, [said])
            tally["Hellos of 2 MB"] += 1
            await asyncio.sleep(_BETWEEN_LARGE_S)


async def report_far_too_much(targets: Targets, tally: "Counter[str]") -> None:
    """A report with millions of states of the device."""
    states = types_pb2.Repetition(during=[types_pb2.DeviceState()] * 3_000_000)
    report = fleet_pb2.Report(attempt_id="a", measured=fleet_pb2.Measured(repetition=states))
    said = [
        _hello(targets, types_pb2.DeviceProfile(architecture="x86_64")),
        fleet_pb2.ConnectRequest(report=report).SerializeToString(),
    ]
    async with targets.members_door() as channel:
        while True:
            await _say(channel, said)
            tally["reports of 6 MB"] += 1
            await asyncio.sleep(_BETWEEN_LARGE_S)


async def hold_silent_streams(targets: Targets, tally: "Counter[str]") -> None:
    """Streams on which no Hello ever comes."""

    async def one(channel: grpc.aio.Channel) -> None:
        while True:
            tally["silent streams"] += 1
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await channel.stream_stream(_CONNECT)().read()
            await asyncio.sleep(1)

    async with targets.members_door() as channel:
        await asyncio.gather(*(one(channel) for _ in range(targets.many(_SILENT))))


async def flood_reports(targets: Targets, tally: "Counter[str]") -> None:
    """Small reports of attempts that are nobody's, and beats, as fast as they are taken.

    No answer is ever read.
    """
    report = fleet_pb2.ConnectRequest(report=fleet_pb2.Report(attempt_id="nobody's"))
    beat = fleet_pb2.ConnectRequest(
        heartbeat=fleet_pb2.Heartbeat(held_attempt_ids=[f"attempt-{n}" for n in range(900)])
    )
    first = _hello(targets, types_pb2.DeviceProfile(architecture="x86_64"))
    small = [report.SerializeToString(), beat.SerializeToString()]

    async def one(channel: grpc.aio.Channel) -> None:
        while True:
            call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(_CONNECT)()
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await call.write(first)
                while True:
                    for said in small:
                        await call.write(said)
                        tally["reports of nobody's attempts, and beats"] += 1
                    await asyncio.sleep(_BETWEEN_SMALL_S)
            await asyncio.sleep(_BETWEEN_LARGE_S)

    async with targets.members_door() as channel:
        await asyncio.gather(*(one(channel) for _ in range(_FLOODS)))


def _hello(targets: Targets, profile: types_pb2.DeviceProfile) -> bytes:
    hello = fleet_pb2.Hello(device_id=targets.device_id, name="attacker", profile=profile)
    return fleet_pb2.ConnectRequest(hello=hello).SerializeToString()


async def _say(channel: grpc.aio.Channel, said: Iterable[bytes]) -> None:
    """Say it, and hear answers until the stream ends or the first report was acknowledged."""
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(_CONNECT)(
        timeout=ANSWER_S
    )
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for each in said:
            await call.write(each)
        while isinstance(answer := await call.read(), bytes):
            if fleet_pb2.ConnectResponse.FromString(answer).HasField("report_committed"):
                break
    call.cancel()
