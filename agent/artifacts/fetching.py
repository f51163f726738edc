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
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from agent.artifacts.cache import ArtifactCache, ArtifactRefused, Download
from protos.fleet import Lease

PATIENCE_S = 600.0
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


class _Interrupted(Exception):
    """The transfer broke off; what has arrived stays."""


async def fetch(source: Chunks, cache: ArtifactCache, lease: Lease) -> Path:
    """The artifact's file, from the cache or from the controller.

    A transfer that breaks off is resumed where it broke, for up to ten minutes.

    Raises:
        ArtifactRefused: the artifact did not arrive whole and unaltered, or cannot be kept.
    """
    sha256 = lease.artifact_sha256
    found = await asyncio.to_thread(cache.find, sha256)
    if found is not None:
        return found
    with await asyncio.to_thread(cache.download, sha256, lease.artifact_size_bytes) as download:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(_Interrupted),
            wait=wait_exponential(multiplier=0.1, max=10) + wait_random(0, 0.5),
            stop=stop_after_delay(PATIENCE_S),
            retry_error_callback=_give_up,
        ):
            with attempt:
                await _receive(source, sha256, download)
        return await asyncio.to_thread(download.finish)


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
        if error.code() in _FINAL_CODES:
            raise ArtifactRefused(
                f"the controller does not give artifact {sha256[:12]}: {error.details()}"
            ) from error
        raise _Interrupted(str(error.details())) from error
    finally:
        if writing is not None:
            await writing
