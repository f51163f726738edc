"""Artifacts from a controller's store into agents' caches: how fast, at what cost, and how far."""

import asyncio
import hashlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import psutil

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.fetching import fetch
from agent.link.channels import CHANNEL_OPTIONS
from agent.link.wire import FleetClient
from controller.state.blobs import open_blobs, put_blob
from protos.fleet import Lease
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import scaled
from tests.processes import running, running_controller

SIZE_BYTES = 100_000_000
ROUNDS = 7
LEAST_MB_PER_S = 400.0
AGENTS = 50
MOST_MB = 200.0
ROUND_TRIP_MS = 100.0
# Of 80, 400 and 1,000 Mbit/s.
LINKS_MB_PER_S = (10.0, 50.0, 125.0)
LINK_ROUNDS = 3
LEAST_SHARE = 0.8
SETTINGS = MeasureSettings(
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    relative_half_width=0.02,
    time_budget_ms=100,
    takes=NetworkInput(size=square(224)),
    input_seed=0,
)


@dataclass(frozen=True)
class _Stored:
    """An artifact in a controller's store, and where copies of it may be kept."""

    folder: Path
    source: Path
    sha256: str
    size_bytes: int

    @property
    def lease(self) -> Lease:
        return Lease(
            attempt_id="a",
            job_id="j",
            artifact_sha256=self.sha256,
            artifact_size_bytes=self.size_bytes,
            backbone="none",
            settings=SETTINGS,
            ordinal=0,
        )

    def mb_per_s(self, seconds: float) -> float:
        return self.size_bytes / 1e6 / seconds


@dataclass(frozen=True)
class _Cost:
    """What many agents at once cost a controller."""

    agents: int
    grown_mb: float
    peak_mb: float
    mb_per_s: float


def run() -> Section:
    """One stream, many at once, and links on which bytes are long under way."""
    with _stored() as stored, running_controller(stored.folder / "state") as (controller, address):
        copied, fetched = _one_stream(stored, address)
        cost = _many(stored, address, psutil.Process(controller.process.pid))
        links = [_link(stored, address, rate) for rate in LINKS_MB_PER_S]
    holds = float(np.median(fetched)) >= LEAST_MB_PER_S and cost.grown_mb < MOST_MB
    return Section(
        title="Push",
        promise=f"an artifact of {stored.size_bytes / 1e6:.0f} MB reaches a local agent at "
        f"{LEAST_MB_PER_S:.0f} MB/s or more, its SHA-256 checked and its bytes fsynced; "
        f"{cost.agents} agents that fetch it at once cost the controller less than {MOST_MB:.0f} "
        f"MB; over a link of {ROUND_TRIP_MS:.0f} ms there and back it comes at {LEAST_SHARE:.0%} "
        "or more of what plain TCP does over the same link (a proxy that delays and paces).",
        header=("what", "figure"),
        rows=[
            ("one stream, controller to agent, verified, fsynced, renamed", _spread(fetched)),
            (
                "the same file read, verified, written and fsynced in one process",
                _spread(copied),
            ),
            (
                f"{cost.agents} agents at once: controller's memory at its highest",
                f"{cost.grown_mb:.0f} MB beyond the {cost.peak_mb - cost.grown_mb:.0f} before",
            ),
            (f"{cost.agents} agents at once: all together", f"{cost.mb_per_s:.0f} MB/s"),
            *(
                (
                    f"link of {rate:.0f} MB/s: agent, plain TCP",
                    f"{ours:.1f} MB/s, {plain:.1f} MB/s: {ours / plain:.0%}",
                )
                for rate, (ours, plain) in zip(LINKS_MB_PER_S, links, strict=True)
            ),
        ],
        holds=holds and all(ours >= LEAST_SHARE * plain for ours, plain in links),
    )


@contextmanager
def _stored() -> Iterator[_Stored]:
    content = os.urandom(scaled(SIZE_BYTES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(content)
        stored = _Stored(folder, source, hashlib.sha256(content).hexdigest(), len(content))
        put_blob(open_blobs(folder / "state"), stored.sha256, source)
        yield stored


def _one_stream(stored: _Stored, address: str) -> tuple[list[float], list[float]]:
    """What copying and fetching give, MB/s, in turn."""
    copied, fetched = [], []
    for number in range(ROUNDS):
        copied.append(stored.mb_per_s(_copy_s(stored, stored.folder / f"copy-{number}")))
        fetched.append(stored.mb_per_s(asyncio.run(_fetch_s(stored, address, number))))
    return copied, fetched


def _many(stored: _Stored, address: str, controller: psutil.Process) -> _Cost:
    agents = scaled(AGENTS)

    async def fetch_all() -> None:
        await asyncio.gather(*(_fetch_s(stored, address, number) for number in range(agents)))

    before_mb = controller.memory_info().rss / 1e6
    # The kernel's high-water mark begins anew.
    Path(f"/proc/{controller.pid}/clear_refs").write_text("5")
    begin_s = time.perf_counter()
    asyncio.run(fetch_all())
    seconds = time.perf_counter() - begin_s
    peak_mb = _peak_mb(controller.pid)
    return _Cost(agents, peak_mb - before_mb, peak_mb, agents * stored.mb_per_s(seconds))


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024 / 1e6


def _link(stored: _Stored, address: str, mb_per_s: float) -> tuple[float, float]:
    """What an agent and plain TCP have over a link of such a rate, MB/s, medians in turn."""
    ours, plain = [], []
    with (
        _started("plain_sender", str(stored.source)) as sender,
        _delayed(sender, mb_per_s) as to_sender,
        _delayed(address, mb_per_s) as to_controller,
    ):
        for number in range(min(LINK_ROUNDS, scaled(ROUNDS))):
            plain.append(stored.mb_per_s(_receive_s(to_sender, stored.size_bytes)))
            ours.append(stored.mb_per_s(asyncio.run(_fetch_s(stored, to_controller, number))))
    return float(np.median(ours)), float(np.median(plain))


@contextmanager
def _delayed(address: str, mb_per_s: float) -> Iterator[str]:
    port = address.rpartition(":")[2]
    with _started("delayed_link", port, str(ROUND_TRIP_MS), str(mb_per_s * 1e6)) as delayed:
        yield delayed


@contextmanager
def _started(module: str, *arguments: str) -> Iterator[str]:
    """Where a program of this folder listens."""
    program = (sys.executable, "-m", f"tests.benchmarks.fleet.{module}")
    with running(*arguments, program=program) as started:
        yield started.output.wait_for(r"listening on (127\.0\.0\.1:\d+)")[1]


def _spread(rates: list[float]) -> str:
    return f"{np.median(rates):.0f} MB/s ({min(rates):.0f} to {max(rates):.0f})"


def _copy_s(stored: _Stored, target: Path) -> float:
    begin = time.perf_counter()
    digest = hashlib.sha256()
    with stored.source.open("rb") as reading, target.open("wb", buffering=0) as writing:
        while chunk := reading.read(1 << 20):
            digest.update(chunk)
            writing.write(chunk)
        os.fsync(writing.fileno())
    assert digest.hexdigest() == stored.sha256
    seconds = time.perf_counter() - begin
    target.unlink()
    return seconds


def _receive_s(address: str, size_bytes: int) -> float:
    host, _, port = address.rpartition(":")
    buffer, rest = bytearray(1 << 20), size_bytes
    with socket.create_connection((host, int(port))) as connection:
        begin = time.perf_counter()
        connection.sendall(b"?")
        while rest:
            received = connection.recv_into(buffer)
            assert received
            rest -= received
        return time.perf_counter() - begin


async def _fetch_s(stored: _Stored, address: str, number: int) -> float:
    """How long the agent of this number takes, from its question to the file in its cache."""
    # Each has a connection of its own, as on a machine of its own.
    options = (*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1))
    folder = stored.folder / f"cache-{number}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        await channel.channel_ready()
        client = FleetClient(channel, lambda: 0)
        begin = time.perf_counter()
        artifact = await fetch(client, ArtifactCache(folder, stored.size_bytes), stored.lease)
        seconds = time.perf_counter() - begin
    with artifact:
        artifact.path.resolve().unlink()
    return seconds
