"""A transfer that breaks off goes on where it broke, as long as anything comes."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.fetching import PATIENCE_S, fetch
from agent.artifacts.files import ArtifactRefused, DeviceDenied
from protos.fleet import Lease
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BROKEN = grpc.StatusCode.UNAVAILABLE
BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED
SETTINGS = MeasureSettings(
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    relative_half_width=0.02,
    time_budget_ms=100,
    takes=NetworkInput(size=square(224)),
    input_seed=0,
)
LEASE = Lease(
    attempt_id="a",
    job_id="j",
    artifact_sha256=SHA256,
    artifact_size_bytes=len(CONTENT),
    backbone="none",
    settings=SETTINGS,
    ordinal=0,
)


@dataclass
class SlowSource:
    """Each transfer gives so many bytes, takes so long, and breaks off unless all has come."""

    bytes_each: int
    takes_s: float
    code: grpc.StatusCode = BROKEN
    breaks: int = 1_000_000
    now_s: float = 0.0
    offsets: list[int] = field(default_factory=list)

    async def fetch_artifact(self, sha256: str, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        assert sha256 == SHA256
        self.offsets.append(offset_bytes)
        self.now_s += self.takes_s
        end = offset_bytes + self.bytes_each
        if len(self.offsets) > self.breaks:
            end = len(CONTENT)
        if offset_bytes < end:
            yield CONTENT[offset_bytes:end]
        if end < len(CONTENT):
            raise grpc.aio.AioRpcError(
                self.code, grpc.aio.Metadata(), grpc.aio.Metadata(), "broke off"
            )

    def clock(self) -> Callable[[], float]:
        return lambda: self.now_s


async def test_a_transfer_lasts_as_long_as_it_takes_while_something_comes(tmp_path: Path) -> None:
    source = SlowSource(bytes_each=3, takes_s=0.9 * PATIENCE_S)
    with await fetch(source, ArtifactCache(tmp_path, 100), LEASE, source.clock()) as artifact:
        assert artifact.path.read_bytes() == CONTENT
    assert source.offsets == [0, 3, 6, 9]


async def test_a_transfer_of_which_nothing_comes_is_given_up(tmp_path: Path) -> None:
    source = SlowSource(bytes_each=0, takes_s=0.4 * PATIENCE_S)
    with pytest.raises(ArtifactRefused, match="broke off"):
        await fetch(source, ArtifactCache(tmp_path, 100), LEASE, source.clock())
    assert source.offsets == [0, 0, 0]


async def test_who_is_told_to_wait_for_others_waits(tmp_path: Path) -> None:
    source = SlowSource(bytes_each=0, takes_s=0.9 * PATIENCE_S, code=BUSY, breaks=3)
    with await fetch(source, ArtifactCache(tmp_path, 100), LEASE, source.clock()) as artifact:
        assert artifact.path.read_bytes() == CONTENT
    assert source.offsets == [0, 0, 0, 0]


async def test_devices_whose_transfers_break_at_once_come_again_at_different_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[float] = []
    rest = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits_s.append(seconds)
        await rest(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    for number in range(30):
        source = SlowSource(bytes_each=0, takes_s=0, breaks=7)
        cache = ArtifactCache(tmp_path / str(number), 100)
        with await fetch(source, cache, LEASE, source.clock()):
            pass
    # Anywhere in a window of half a second, and of ten in the end.
    for nth, window_s in ((0, 0.5), (6, 10)):
        moments_s = waits_s[nth::7]
        assert len(moments_s) == 30
        assert min(moments_s) < 0.4 * window_s
        assert 0.6 * window_s < max(moments_s) <= window_s


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED]
)
async def test_a_device_that_is_refused_is_told_apart_from_an_artifact_that_is(
    tmp_path: Path, code: grpc.StatusCode
) -> None:
    source = SlowSource(bytes_each=3, takes_s=0, code=code)
    with pytest.raises(DeviceDenied, match="broke off"):
        await fetch(source, ArtifactCache(tmp_path, 100), LEASE, source.clock())
    # What has come goes on where it ended, once the device is let in again.
    source.breaks = 1
    with await fetch(source, ArtifactCache(tmp_path, 100), LEASE, source.clock()) as artifact:
        assert artifact.path.read_bytes() == CONTENT
    assert source.offsets == [0, 3]
