"""Artifacts go out no faster than they may, and many at once cost little."""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from controller.state.blobs import CHUNK_BYTES, open_blobs, put_blob
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.bounds.conftest import own_channel, process_of
from tests.processes import edgerank, running_controller

# What a stream that was held up makes up for.
SAVED_S = 0.25


@dataclass(frozen=True)
class Stored:
    """An artifact of a controller that was not started yet."""

    state: Path
    content: bytes

    @property
    def request(self) -> fleet_pb2.FetchArtifactRequest:
        return fleet_pb2.FetchArtifactRequest(sha256=hashlib.sha256(self.content).hexdigest())


def stored(folder: Path, size_bytes: int) -> Stored:
    content = os.urandom(size_bytes)
    (folder / "made").write_bytes(content)
    there = Stored(folder / "controller", content)
    put_blob(open_blobs(there.state), there.request.sha256, folder / "made")
    return there


def fetch(address: str, wanted: Stored) -> Iterator[Any]:
    """The artifact's chunks, over a connection of its own."""
    with own_channel(address) as channel:
        yield from fleet_pb2_grpc.FleetStub(channel).FetchArtifact(wanted.request, timeout=300)


def whole(chunks: Iterator[Any]) -> bytes:
    return b"".join(each.chunk for each in chunks)


@pytest.mark.parametrize(
    ("option", "together_bytes_per_s"),
    [("--push-limit", 1_000_000), ("--push-limit-per-device", 2_000_000)],
)
def test_artifacts_go_no_faster_than_they_may(
    tmp_path: Path, option: str, together_bytes_per_s: int
) -> None:
    artifact = stored(tmp_path, 1_000_000)
    with (
        running_controller(artifact.state, 0, option, "1MB/s") as (_controller, address),
        ThreadPoolExecutor(2) as devices,
    ):
        begin_s = time.monotonic()
        fetched = list(devices.map(lambda _: whole(fetch(address, artifact)), range(2)))
        taken_s = time.monotonic() - begin_s
    assert fetched == [artifact.content] * 2
    # A busy machine makes it slower, never faster.
    assert taken_s >= 2 * len(artifact.content) / together_bytes_per_s - 2 * SAVED_S


def test_a_device_that_fetches_twice_at_once_has_no_more_than_one(tmp_path: Path) -> None:
    artifact = stored(tmp_path, 1_000_000)
    limit = ("--push-limit-per-device", "1MB/s")
    with (
        running_controller(artifact.state, 0, *limit) as (_controller, address),
        own_channel(address) as channel,
        ThreadPoolExecutor(2) as calls,
    ):
        stub = fleet_pb2_grpc.FleetStub(channel)
        begin_s = time.monotonic()
        fetched = list(
            calls.map(lambda _: whole(stub.FetchArtifact(artifact.request, timeout=300)), range(2))
        )
        taken_s = time.monotonic() - begin_s
    assert fetched == [artifact.content] * 2
    assert taken_s >= 2 - SAVED_S


def test_a_rate_that_is_none_is_told_with_exit_code_2() -> None:
    for option in ("--push-limit", "--push-limit-per-device"):
        done = edgerank("controller", option, "20")
        assert done.returncode == 2
        assert "20MB/s" in done.stderr


def test_many_that_fetch_one_artifact_at_once_do_not_cost_it_once_for_each(
    tmp_path: Path,
) -> None:
    streams, artifact = 20, stored(tmp_path, 64 * CHUNK_BYTES)
    with running_controller(artifact.state) as (controller, address), ExitStack() as opened:
        process = process_of(controller)
        calls = []
        for _ in range(streams):
            channel = opened.enter_context(own_channel(address))
            calls.append(
                fleet_pb2_grpc.FleetStub(channel).FetchArtifact(artifact.request, timeout=300)
            )
            if len(calls) == 1:
                next(calls[0])
                before_bytes = process.memory_info().rss
        # In step, so that all are in the midst of it at once; the first have it in half the steps.
        most_bytes = max(step(calls[1:], process) for _ in range(30))
        for call in calls:
            call.cancel()
    assert most_bytes - before_bytes < streams * len(artifact.content) / 3


def step(calls: list[Any], process: psutil.Process) -> int:
    """Lets each stream go on by a chunk; the memory of the process then."""
    for call in calls:
        assert next(call).chunk
    return int(process.memory_info().rss)
