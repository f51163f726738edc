"""The weights of backbones: those that are here, and those that are fetched first."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from controller.conversions.cancellable import AbandonableThreads, run_cancellable
from controller.conversions.outcomes import not_tried
from controller.conversions.requests import Request
from controller.domain.conversions import ConversionResult
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Activity, ActivityKind
from models.catalog.own import is_own
from models.catalog.variants import WeightsKind
from models.conversion.pipeline import ToolMissing
from models.tools import versions_read_once
from models.weights.download import DownloadFailed, Progress
from models.weights.weights import (
    Weights,
    WeightsUnavailable,
    WeightsUnreachable,
    resolve_weights,
    weights_at_hand,
)

# Downloads wait for the network, so their number is not that of the cores; they have threads of
# their own, since neither the database's nor the end of this process must ever wait for them.
_AT_ONCE: Final = 4
# With those that nobody waits for any more: each goes on until its server says something, or for
# half a minute.
_MOST_THREADS: Final = 4 * _AT_ONCE
_PROGRESS_STEP_BYTES: Final = 4_000_000


class Fetching:
    """Gives the weights of requests; what is here waits for no download."""

    def __init__(self, weights_dir: Path) -> None:
        self._weights_dir = weights_dir
        self._reading = ThreadPoolExecutor(_AT_ONCE, "weights")
        self._downloading = asyncio.Semaphore(_AT_ONCE)
        self._threads = AbandonableThreads(_MOST_THREADS)

    def close(self) -> None:
        """Frees the threads."""
        self._reading.shutdown(cancel_futures=True)

    def at_hand(self, requests: Sequence[Request]) -> frozenset[str]:
        """The backbones whose weights are here, as far as is recorded.

        Raises:
            EdgerankError: PRECONDITION when a conversion tool is missing.
        """
        versions = versions_read_once()
        with tools_named():
            return frozenset(
                each.backbone.name
                for each in requests
                if weights_at_hand(each.backbone, each.kind, self._weights_dir, versions)
            )

    async def read(self, request: Request) -> Weights | None:
        """The weights of a backbone that are here whole; None where `fetch` is to be asked.

        Nothing is fetched, and nobody is told: what is recorded may be gone by now, or altered.

        Raises:
            EdgerankError: PRECONDITION when a conversion tool is missing.
        """

        def read() -> Weights | None:
            try:
                return resolve_weights(
                    request.backbone, request.kind, self._weights_dir, _unheard, fetch=_not_now
                )
            except WeightsUnavailable:
                return None

        with tools_named():
            return await run_cancellable(self._reading, read, request.cancellation)

    async def fetch(self, request: Request) -> Weights | None:
        """The weights of a backbone; None when they cannot be had, which is told as refusals.

        Raises:
            EdgerankError: PRECONDITION when a conversion tool is missing.
        """
        # Before its first bytes, which may be waited for.
        request.listener.on_activity(
            Activity(kind=ActivityKind.FETCHING_WEIGHTS, backbone=request.backbone.name)
        )
        loop = asyncio.get_running_loop()
        name = request.backbone.name
        told_bytes = 0

        def on_progress(done_bytes: int, total_bytes: int | None) -> None:
            nonlocal told_bytes
            request.cancellation.raise_if_cancelled()
            if done_bytes - told_bytes >= _PROGRESS_STEP_BYTES:
                told_bytes = done_bytes
                activity = Activity(
                    kind=ActivityKind.FETCHING_WEIGHTS,
                    backbone=name,
                    done_bytes=done_bytes,
                    total_bytes=total_bytes or 0,
                )
                loop.call_soon_threadsafe(request.listener.on_activity, activity)

        def resolve() -> Weights:
            return resolve_weights(request.backbone, request.kind, self._weights_dir, on_progress)

        try:
            with tools_named():
                async with self._downloading:
                    return await self._threads.run(resolve, request.cancellation)
        except WeightsUnavailable as error:
            is_out_of_reach = isinstance(error, WeightsUnreachable)
            result = ConversionResult.FAILED if is_out_of_reach else ConversionResult.REFUSED
            kind = WeightsKind.OWN if is_own(request.backbone) else request.kind
            for variant in request.variants:
                outcome = not_tried(variant, result, kind, "", str(error))
                await request.listener.on_outcome(variant, outcome, "")
            return None


def _unheard(_done_bytes: int, _total_bytes: int | None) -> None:
    """Nothing is fetched, so nothing comes."""


def _not_now(address: str, _path: Path, _on_progress: Progress) -> None:
    raise DownloadFailed(f"{address} is not fetched among what is at hand")


@contextmanager
def tools_named() -> Iterator[None]:
    """Names the tool that is missing under the block.

    Raises:
        EdgerankError: PRECONDITION when one is.
    """
    try:
        yield
    except ToolMissing as error:
        raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error
