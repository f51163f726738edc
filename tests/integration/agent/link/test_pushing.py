"""What is pushed to an agent: when, how much of it is kept, and what a kill leaves of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

from agent.link.channels import WINDOW_BYTES, plain_channel
from agent.link.wire import FleetClient
from protos.codec import to_message
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.agent_process import agent_process, joined, lease
from tests.integration.agent.link.fake_controller import (
    CHUNK_BYTES,
    AgentCall,
    FakeController,
    serving,
)
from tests.integration.agent.networks import Artifacts, takes


async def measured(call: AgentCall, wanted: fleet_pb2.Lease) -> None:
    """Leases, and has it measured, reported and forgotten."""
    call.lease(wanted)
    report = await call.next("report")
    call.commit(report.attempt_id)
    await call.next("ready")
    assert report.HasField("measured"), report.failure


def lease_of(network: str, sha256: str, size_bytes: int, attempt_id: str) -> fleet_pb2.Lease:
    wanted = lease(sha256, size_bytes, attempt_id=attempt_id)
    wanted.settings.takes.CopyFrom(to_message(takes(network), types_pb2.NetworkInput))
    return wanted


async def test_the_next_artifact_is_fetched_between_measurements(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    first, second = (
        artifacts.path(name, Runtime.ONNXRUNTIME).read_bytes() for name in ("tiny", "faint")
    )
    async with serving(FakeController()) as controller, joined(controller, tmp_path) as (call, _):
        now = lease_of("tiny", controller.store(first), len(first), "attempt-1")
        after = lease_of("faint", controller.store(second), len(second), "attempt-2")
        call.lease(now)
        while (await call.next("progress")).stage != fleet_pb2.STAGE_MEASURING:
            pass
        # Whoever leases more than was asked for has nothing pushed by it.
        call.lease(after)
        assert (await call.next("report")).attempt_id == "attempt-1"
        assert controller.fetches == [0]
        await call.next("ready")
        await measured(call, after)
        assert controller.fetches == [0, 0]


async def test_a_cache_takes_no_more_than_it_may_and_tells_what_it_removes(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    tiny, wide = (
        artifacts.path(name, Runtime.ONNXRUNTIME).read_bytes() for name in ("tiny", "wide")
    )
    limit = ("--cache-size", f"{len(wide) + 10}B")
    async with (
        serving(FakeController()) as controller,
        agent_process(controller.port, tmp_path, "--name", "shelf-3", *limit) as process,
    ):
        call = await controller.next_call()
        await call.next("ready")
        of_tiny, of_wide = controller.store(tiny), controller.store(wide)
        kept = tmp_path / "artifacts"
        await measured(call, lease_of("tiny", of_tiny, len(tiny), "attempt-1"))
        await measured(call, lease_of("wide", of_wide, len(wide), "attempt-2"))
        assert [each.name for each in kept.iterdir()] == [of_wide]
        await measured(call, lease_of("wide", of_wide, len(wide), "attempt-3"))
        assert controller.fetches == [0, 0]
        await measured(call, lease_of("tiny", of_tiny, len(tiny), "attempt-4"))
        assert controller.fetches == [0, 0, 0]
        assert process.stderr is not None
        while b"made room" not in (line := await process.stderr.readline()):
            assert line
        assert of_tiny.encode() in line


async def test_an_artifact_that_no_cache_holds_fails_by_name(
    tmp_path: Path, content: bytes
) -> None:
    async with (
        serving(FakeController()) as controller,
        agent_process(controller.port, tmp_path, "--cache-size", "1kB"),
    ):
        call = await controller.next_call()
        await call.next("ready")
        call.lease(lease(controller.store(content), 2_000))
        (reason,) = (await call.next("report")).failure.reasons
        assert "--cache-size" in reason.words["detail"]
        assert controller.fetches == []


async def test_an_agent_that_is_killed_while_it_fetches_goes_on_from_there(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    content = artifacts.path("wide", Runtime.ONNXRUNTIME).read_bytes()
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.holds_after_bytes = len(content) // 2
        part = tmp_path / "artifacts" / f"{sha256}.part"
        async with joined(controller, tmp_path) as (call, process):
            call.lease(lease_of("wide", sha256, len(content), "attempt-1"))
            await controller.held.wait()
            # What was given is on its way to the disk.
            while not part.exists() or part.stat().st_size < len(content) // 2:
                await call.next("heartbeat")
            process.kill()
            await process.wait()
        controller.holds_after_bytes = None
        async with joined(controller, tmp_path) as (call, _):
            await measured(call, lease_of("wide", sha256, len(content), "attempt-2"))
        assert controller.fetches == [0, len(content) // 2]


async def test_bytes_that_rot_in_the_cache_between_two_leases_are_fetched_anew(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller, joined(controller, tmp_path) as (call, _):
        sha256 = controller.store(content)
        await measured(call, lease(sha256, len(content)))
        (kept,) = (tmp_path / "artifacts").iterdir()
        kept.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        await measured(call, lease(sha256, len(content), attempt_id="attempt-2"))
        assert controller.fetches == [0, 0]


async def test_as_much_may_be_under_way_to_an_agent_as_a_long_link_takes() -> None:
    sent_bytes, has_sent = 0, asyncio.Event()

    async def gives_without_end(_request: Any, _context: Any) -> AsyncIterator[Any]:
        nonlocal sent_bytes
        while True:
            yield fleet_pb2.FetchArtifactResponse(chunk=bytes(CHUNK_BYTES))
            sent_bytes += CHUNK_BYTES
            if sent_bytes >= WINDOW_BYTES:
                has_sent.set()

    server = grpc.aio.server()
    handler = grpc.unary_stream_rpc_method_handler(
        gives_without_end,
        request_deserializer=fleet_pb2.FetchArtifactRequest.FromString,
        response_serializer=fleet_pb2.FetchArtifactResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("edgerank.v1.Fleet", {"FetchArtifact": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with plain_channel(f"127.0.0.1:{port}") as channel:
        chunks = FleetClient(channel, lambda: 0).fetch_artifact("0" * 64, 0)
        assert await anext(chunks)
        # Nobody reads on, and nothing but the window keeps the rest back.
        await asyncio.wait_for(has_sent.wait(), 60)
        await chunks.aclose()
    await server.stop(grace=None)
