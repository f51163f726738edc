"""A whole agent as a process of its own, and what it is leased."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protos.codec import to_message
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.fake_controller import AgentCall, FakeController
from tests.integration.agent.networks import takes

AGENT = (
    sys.executable,
    "-c",
    "from agent.cli.command import agent; agent(prog_name='edgerank agent')",
)
RUNTIMES = {
    Runtime.ONNXRUNTIME: types_pb2.RUNTIME_ONNXRUNTIME,
    Runtime.PADDLELITE: types_pb2.RUNTIME_PADDLELITE,
}


def lease(
    sha256: str,
    size_bytes: int,
    *,
    attempt_id: str = "attempt-1",
    runtime: Runtime = Runtime.ONNXRUNTIME,
    threads: int = 1,
    time_budget_ms: int = 2_000,
    reference: bytes = b"",
) -> fleet_pb2.Lease:
    return fleet_pb2.Lease(
        attempt_id=attempt_id,
        job_id="job-1",
        artifact_sha256=sha256,
        artifact_size_bytes=size_bytes,
        backbone="tiny",
        settings=types_pb2.MeasureSettings(
            runtime=RUNTIMES[runtime],
            threads=threads,
            relative_half_width=0.5,
            time_budget_ms=time_budget_ms,
            takes=to_message(takes("tiny"), types_pb2.NetworkInput),
            input_seed=1,
        ),
        reference_sha256=hashlib.sha256(reference).hexdigest() if reference else "",
        reference_size_bytes=len(reference),
    )


@asynccontextmanager
async def agent_process(
    port: int, state: Path, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *AGENT,
        *("--controller", f"127.0.0.1:{port}", "--state", str(state), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def joined(
    controller: FakeController, state: Path
) -> AsyncIterator[tuple[AgentCall, asyncio.subprocess.Process]]:
    """An agent that has said Hello and asked for work."""
    async with agent_process(controller.port, state, "--name", "shelf-3") as process:
        call = await controller.next_call()
        await call.next("ready")
        yield call, process
