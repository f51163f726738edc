"""Brings an artifact from the controller into the cache."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

import grpc
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from agent.artifacts.cache import ArtifactCache, ArtifactDamaged, ArtifactRefused, Download
from protos.fleet import Lease
from protos.log_lines import event_log

log = event_log(__name__)

PATIENCE_S = 600.0
# What arrives altered so often is not altered by chance.
FETCHES = 3
# Asking again gives the same answer.
_FINAL_CODES = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class Chunks(Protocol):
    """Where the bytes of artifacts come from."""

    def fetch_artifact(self, sha256: str, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        """The artifact's bytes from an offset on, in chunks."""


class DamagedAtSource(ArtifactDamaged):
    """The controller's own bytes are damaged: fetched at once again, they still are."""


class _Interrupted(Exception):
    """The transfer broke off; what has arrived stays."""


async def fetch(source: Chunks, cache: ArtifactCache, lease: Lease) -> Path:
    """The artifact's file, from the cache or from the controller.

    A transfer that breaks off is resumed where it broke, for up to ten minutes; one that arrives
    altered begins anew, three times in all.

    Raises:
        ArtifactDamaged: the artifact did not arrive whole and unaltered.
        ArtifactRefused: it is not given, or cannot be kept.
    """
    found = await asyncio.to_thread(cache.find, lease.artifact_sha256)
    if found is not None:
        return found
    again = AsyncRetrying(
        retry=retry_if_exception(_may_come_unaltered),
        stop=stop_after_attempt(FETCHES),
        before_sleep=_tell_altered,
        reraise=True,
    )
    path: Path = await again(_fetch_once, source, cache, lease)
    return path


async def _fetch_once(source: Chunks, cache: ArtifactCache, lease: Lease) -> Path:
    sha256 = lease.artifact_sha256
    with await asyncio.to_thread(cache.download, sha256, lease.artifact_size_bytes) as download:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_Interrupted),
                wait=wait_exponential(multiplier=0.1, max=10) + wait_random(0, 0.5),
                stop=stop_after_delay(PATIENCE_S),
                retry_error_callback=_give_up,
            ):
                with attempt:
                    await _receive(source, sha256, download)
        except DamagedAtSource:
            # What came before it was known is of no use.
            download.drop()
            raise
        return await asyncio.to_thread(download.finish)


def _may_come_unaltered(error: BaseException) -> bool:
    return isinstance(error, ArtifactDamaged) and not isinstance(error, DamagedAtSource)


def _tell_altered(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("an artifact came altered; it is fetched anew", error=error)


def _give_up(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    raise ArtifactRefused(f"the artifact broke off too often on its way: {error}") from error


async def _receive(source: Chunks, sha256: str, download: Download) -> None:
    """Take chunks while the one before is hashed and written by another thread."""
    writing: asyncio.Future[None] | None = None
    try:
        async with aclosing(source.fetch_artifact(sha256, download.offset_bytes)) as chunks:
            async for chunk in chunks:
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(asyncio.to_thread(download.write, chunk))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DATA_LOSS:
            raise DamagedAtSource(str(error.details())) from error
        if error.code() in _FINAL_CODES:
            raise ArtifactRefused(
                f"the controller does not give artifact {sha256[:12]}: {error.details()}"
            ) from error
        raise _Interrupted(str(error.details())) from error
    finally:
        if writing is not None:
            await writing
