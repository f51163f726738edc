"""A whole agent as a process of its own, and what it is leased."""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protos.codec import to_message
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.fake_controller import AgentCall, FakeController
from tests.integration.agent.networks import takes
from tests.processes.warm import COMMAND, Forked, origin_for

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


class AgentProcess:
    """An agent that runs: what it prints, and how it ended."""

    def __init__(
        self, forked: Forked, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self._forked = forked

    @property
    def returncode(self) -> int | None:
        """How it ended, below 0 by a signal; None while it runs."""
        return self._forked.returncode

    def send_signal(self, number: int) -> None:
        """Signals it, unless it has ended."""
        self._forked.send_signal(number)

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._forked.kill()

    async def wait(self) -> int:
        """How it ended, once it has."""
        return await asyncio.to_thread(self._forked.wait)

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it prints yet, once it has ended."""
        printed = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return printed[0], printed[1]


async def _reading(descriptor: int) -> asyncio.StreamReader:
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    file = os.fdopen(descriptor, "rb", 0)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader


@asynccontextmanager
async def agent_process(port: int, state: Path, *options: str) -> AsyncIterator[AgentProcess]:
    origin = origin_for(os.environ)
    assert origin is not None
    command = ("agent", "--controller", f"127.0.0.1:{port}", "--state", str(state), *options)
    (stdout, printing), (stderr, failing) = os.pipe(), os.pipe()
    try:
        status = origin.start(command, os.environ, printing, failing, COMMAND)
    finally:
        os.close(printing)
        os.close(failing)
    forked = Forked(status, io.StringIO())
    process = AgentProcess(forked, await _reading(stdout), await _reading(stderr))
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def joined(
    controller: FakeController, state: Path
) -> AsyncIterator[tuple[AgentCall, AgentProcess]]:
    """An agent that has said Hello and asked for work."""
    async with agent_process(controller.port, state, "--name", "shelf-3") as process:
        call = await controller.next_call()
        await call.next("ready")
        yield call, process
