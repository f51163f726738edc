"""One artifact of 100 MB from a controller's store into an agent's cache."""

import asyncio
import hashlib
import os
import tempfile
import time
from pathlib import Path

import grpc
import numpy as np

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.fetching import fetch
from agent.link.channels import CHANNEL_OPTIONS
from agent.link.wire import FleetClient
from controller.state.blobs import open_blobs, put_blob
from protos.fleet import Lease
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime
from tests.benchmarks.section import Section
from tests.processes import running_controller

SIZE_BYTES = 100_000_000
ROUNDS = 7
LIMIT_MB_PER_S = 300.0


def run() -> Section:
    """The agent's own fetching into an empty cache, beside a copy with the same guarantees."""
    content = os.urandom(SIZE_BYTES)
    sha256 = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.write_bytes(content)
        put_blob(open_blobs(Path(folder) / "state"), sha256, source)
        with running_controller(Path(folder) / "state") as (_controller, address):
            fetched, copied = [], []
            for number in range(ROUNDS):
                copied.append(_copy_s(source, sha256, Path(folder) / f"copy-{number}"))
                fetched.append(
                    asyncio.run(_fetch_s(address, sha256, Path(folder) / f"cache-{number}"))
                )
    rates = [SIZE_BYTES / 1e6 / seconds for seconds in fetched]
    copy_rates = [SIZE_BYTES / 1e6 / seconds for seconds in copied]
    return Section(
        title="Push",
        promise=f"an artifact of 100 MB reaches a local agent at {LIMIT_MB_PER_S:.0f} MB/s or "
        f"more, its SHA-256 checked and its bytes fsynced (median of {ROUNDS}).",
        header=("what", "median MB/s", "slowest", "fastest"),
        rows=[
            ("controller to agent over gRPC, verified, fsynced, renamed", *_spread(rates)),
            (
                "the same file read, verified, written and fsynced in one process",
                *_spread(copy_rates),
            ),
        ],
        holds=float(np.median(rates)) >= LIMIT_MB_PER_S,
    )


def _spread(rates: list[float]) -> tuple[str, str, str]:
    return f"{np.median(rates):.0f}", f"{min(rates):.0f}", f"{max(rates):.0f}"


def _copy_s(source: Path, sha256: str, target: Path) -> float:
    begin = time.perf_counter()
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("wb", buffering=0) as writing:
        while chunk := reading.read(1 << 20):
            digest.update(chunk)
            writing.write(chunk)
        os.fsync(writing.fileno())
    assert digest.hexdigest() == sha256
    seconds = time.perf_counter() - begin
    target.unlink()
    return seconds


async def _fetch_s(address: str, sha256: str, folder: Path) -> float:
    settings = MeasureSettings(
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        relative_half_width=0.02,
        time_budget_ms=100,
        takes=NetworkInput(size=square(224)),
        input_seed=0,
    )
    lease = Lease(
        attempt_id="a",
        job_id="j",
        artifact_sha256=sha256,
        artifact_size_bytes=SIZE_BYTES,
        backbone="none",
        settings=settings,
        ordinal=0,
    )
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        await channel.channel_ready()
        client = FleetClient(channel, lambda: 0)
        begin = time.perf_counter()
        path = await fetch(client, ArtifactCache(folder), lease)
        seconds = time.perf_counter() - begin
    path.unlink()
    return seconds
