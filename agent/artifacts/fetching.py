"""Brings an artifact from the controller into the cache."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Protocol, TypeVar

import grpc
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.files import (
    ArtifactDamaged,
    ArtifactRefused,
    Chunk,
    DeviceDenied,
    Download,
    OpenArtifact,
)
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
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
# Who asks is refused, until it has another certificate.
_DENIED_CODES = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED})


class Chunks(Protocol):
    """Where the bytes of artifacts come from."""

    def fetch_artifact(self, sha256: str, offset_bytes: int) -> AsyncGenerator[Chunk, None]:
        """The artifact's bytes from an offset on, in chunks."""


class DamagedAtSource(ArtifactDamaged):
    """The controller's own bytes are damaged: fetched at once again, they still are."""


class _Interrupted(Exception):
    """The transfer broke off; what has arrived stays."""


class _TurnAwaited(_Interrupted):
    """The controller is there, and gives to others first."""


async def fetch(
    source: Chunks,
    cache: ArtifactCache,
    lease: Lease,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> OpenArtifact:
    """The artifact's file, open, from the cache or from the controller.

    A transfer that breaks off is resumed where it broke, until nothing has come for ten minutes;
    one that arrives altered begins anew, three times in all.

    Args:
        source: where its bytes come from.
        cache: where they are kept.
        lease: names the artifact.
        monotonic_s: a clock that never goes back.

    Raises:
        ArtifactDamaged: the artifact did not arrive whole and unaltered.
        ArtifactRefused: it is not given, or cannot be kept.
        DeviceDenied: nothing is given to this device.
    """
    found = await _opened(partial(cache.find, lease.artifact_sha256))
    if found is not None:
        return found
    again = AsyncRetrying(
        retry=retry_if_exception(_may_come_unaltered),
        stop=stop_after_attempt(FETCHES),
        before_sleep=_tell_altered,
        reraise=True,
    )
    artifact: OpenArtifact = await again(_fetch_once, source, cache, lease, monotonic_s)
    return artifact


async def _fetch_once(
    source: Chunks, cache: ArtifactCache, lease: Lease, monotonic_s: Callable[[], float]
) -> OpenArtifact:
    sha256 = lease.artifact_sha256
    with await asyncio.to_thread(cache.download, sha256, lease.artifact_size_bytes) as download:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_Interrupted),
                # Of a controller that starts again, a whole fleet fetches on.
                wait=wait_random_exponential(multiplier=0.5, max=10),
                stop=_Standstill(download, monotonic_s),
                retry_error_callback=_give_up,
            ):
                with attempt:
                    await _receive(source, sha256, download)
        except DamagedAtSource:
            # What came before it was known is of no use.
            download.drop()
            raise
        return await _opened(download.finish)


OpenedT = TypeVar("OpenedT", bound=OpenArtifact | None)


async def _opened(opening: Callable[[], OpenedT]) -> OpenedT:
    """What a thread opens, which goes on when nobody waits for it any more."""
    coming = asyncio.ensure_future(asyncio.to_thread(opening))
    try:
        return await asyncio.shield(coming)
    except asyncio.CancelledError:
        close_unwanted(coming)
        raise


def close_unwanted(coming: "asyncio.Future[OpenedT]") -> None:
    """Close what comes of it, once it has come: who waited for it is gone."""
    coming.add_done_callback(_close)


def _close(came: "asyncio.Future[OpenedT]") -> None:
    opened = None if came.cancelled() or came.exception() is not None else came.result()
    if opened is not None:
        opened.close()


class _Standstill(stop_base):
    """Whether nothing of a download has come for too long, however long all of it takes."""

    def __init__(self, download: Download, monotonic_s: Callable[[], float]) -> None:
        self._download = download
        self._monotonic_s = monotonic_s
        self._reached_bytes = download.offset_bytes
        self._since_s = monotonic_s()

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Called after each transfer that broke off."""
        now_s, error = self._monotonic_s(), _error_of(retry_state)
        if self._download.offset_bytes > self._reached_bytes or isinstance(error, _TurnAwaited):
            self._reached_bytes, self._since_s = self._download.offset_bytes, now_s
        return now_s - self._since_s >= PATIENCE_S


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _may_come_unaltered(error: BaseException) -> bool:
    return isinstance(error, ArtifactDamaged) and not isinstance(error, DamagedAtSource)


def _tell_altered(state: RetryCallState) -> None:
    log.warning("an artifact came altered; it is fetched anew", error=_error_of(state))


def _give_up(state: RetryCallState) -> None:
    error = _error_of(state)
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
        if error.code() in _DENIED_CODES:
            raise DeviceDenied(str(error.details())) from error
        if error.code() in _FINAL_CODES:
            raise ArtifactRefused(
                f"the controller does not give artifact {sha256[:12]}: {error.details()}"
            ) from error
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise _TurnAwaited(str(error.details())) from error
        raise _Interrupted(str(error.details())) from error
    finally:
        if writing is not None:
            await writing
