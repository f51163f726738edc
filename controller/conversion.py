"""Gives every variant its artifact: found in the store, or made by converting children."""

import asyncio
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from obstore.store import LocalStore
from sqlalchemy import Engine

from controller.blobs import has_blob, put_blob
from controller.domain import ConversionOutcome, ConversionResult
from controller.errors import EdgerankError, ErrorCode
from controller.host_gate import HostGate
from controller.state.artifacts import Artifact, find_artifact, record_artifact
from models.catalog import Backbone, Catalog
from models.pipeline import (
    Cancellation,
    Converted,
    Refused,
    ToolMissing,
    conversion_key,
    convert,
)
from models.variants import Variant, WeightsKind
from models.weights import Weights, WeightsUnavailable, resolve_weights

OnOutcome = Callable[[Variant, ConversionOutcome, str], Awaitable[None]]
OnActivity = Callable[[str], None]
ResultT = TypeVar("ResultT")

# Downloads wait for the network, so their number is not that of the cores; they have threads of
# their own, since the database's must never wait for them.
DOWNLOADS = 4
PROGRESS_STEP_BYTES = 4_000_000


@dataclass(frozen=True)
class Listener:
    """Whom a conversion tells: each variant's outcome with its key, and what goes on now."""

    on_outcome: OnOutcome
    on_activity: OnActivity


@dataclass(frozen=True)
class _Request:
    """The variants of one backbone that one caller wants."""

    backbone: Backbone
    variants: tuple[Variant, ...]
    kind: WeightsKind
    listener: Listener
    cancellation: Cancellation


class Converter:
    """Converts with as many children at once as there are cores, each backbone once at a time."""

    def __init__(
        self, engine: Engine, blobs: LocalStore, state_dir: Path, catalog: Catalog, gate: HostGate
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._weights_dir = state_dir / "weights"
        self._work_dir = state_dir / "work"
        # What a killed controller left there is of no use to anybody.
        shutil.rmtree(self._work_dir, ignore_errors=True)
        self._catalog = catalog
        self._gate = gate
        self._conversions = ThreadPoolExecutor(os.cpu_count() or 1, "convert")
        self._downloads = ThreadPoolExecutor(DOWNLOADS, "download")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Frees the threads; whoever called `ensure` has been cancelled before."""
        self._conversions.shutdown(cancel_futures=True)
        self._downloads.shutdown(cancel_futures=True)

    async def ensure(
        self, variants: Sequence[Variant], kind: WeightsKind, listener: Listener
    ) -> None:
        """Tells the listener of every variant's outcome, in its event loop.

        When the caller is cancelled, its children are ended before this returns.

        Raises:
            EdgerankError: PRECONDITION when a conversion tool is missing, STORAGE when the state's
                disk fails.
        """
        by_backbone: defaultdict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            by_backbone[variant.backbone].append(variant)
        cancellation = Cancellation()
        requests = [
            _Request(self._catalog.get(name), tuple(group), kind, listener, cancellation)
            for name, group in by_backbone.items()
        ]
        weights = await _all_or_first_error([self._weights(request) for request in requests])
        to_make = []
        for request, found in zip(requests, weights, strict=True):
            if found is not None:
                missing = await self._tell_stored(request, found, request.variants)
                to_make += [(request, found, missing)] if missing else []
        if to_make:
            async with self._gate.converting():
                await _all_or_first_error([self._make(*work) for work in to_make])

    async def _weights(self, request: _Request) -> Weights | None:
        """The backbone's weights; None when they cannot be had, which is told as refusals."""
        loop = asyncio.get_running_loop()
        name = request.backbone.name
        told_bytes = 0

        def on_progress(done_bytes: int, total_bytes: int | None) -> None:
            nonlocal told_bytes
            request.cancellation.raise_if_cancelled()
            if done_bytes - told_bytes >= PROGRESS_STEP_BYTES:
                told_bytes = done_bytes
                of_total = f" of {total_bytes / 1e6:.0f}" if total_bytes else ""
                activity = f"{name}: fetching weights, {done_bytes / 1e6:.0f}{of_total} MB"
                loop.call_soon_threadsafe(request.listener.on_activity, activity)

        def resolve() -> Weights:
            return resolve_weights(request.backbone, request.kind, self._weights_dir, on_progress)

        try:
            with _tools_named():
                return await _run(self._downloads, resolve, request.cancellation)
        except WeightsUnavailable as error:
            for variant in request.variants:
                outcome = _refusal(variant, request.kind, "", str(error), 0.0)
                await request.listener.on_outcome(variant, outcome, "")
            return None

    async def _make(
        self, request: _Request, weights: Weights, variants: tuple[Variant, ...]
    ) -> None:
        loop = asyncio.get_running_loop()

        def on_step(step: str) -> None:
            loop.call_soon_threadsafe(request.listener.on_activity, step)

        async with self._locks[request.backbone.name]:
            # Another caller may have made them while this one waited.
            missing = await self._tell_stored(request, weights, variants)

            def work() -> list[tuple[ConversionOutcome, str, Variant]]:
                return self._convert(request, missing, weights, on_step)

            made = await _run(self._conversions, work, request.cancellation) if missing else []
        for outcome, key, variant in made:
            await request.listener.on_outcome(variant, outcome, key)

    def _convert(
        self,
        request: _Request,
        variants: tuple[Variant, ...],
        weights: Weights,
        on_step: OnActivity,
    ) -> list[tuple[ConversionOutcome, str, Variant]]:
        name = request.backbone.name
        try:
            self._work_dir.mkdir(exist_ok=True)
            with _tools_named(), tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
                fates = convert(
                    request.backbone,
                    variants,
                    weights,
                    Path(folder),
                    on_step,
                    cancellation=request.cancellation,
                )
                return [self._settle(fate, weights) for fate in fates]
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"converting {name} failed on the disk under {self._work_dir}: {error.strerror}; "
                "check that it is writable and has room",
            ) from error

    def _settle(
        self, fate: Converted | Refused, weights: Weights
    ) -> tuple[ConversionOutcome, str, Variant]:
        if isinstance(fate, Refused):
            reason = f"{fate.step}: {fate.reason}"
            outcome = _refusal(fate.variant, weights.kind, weights.digest, reason, fate.seconds)
            return outcome, "", fate.variant
        put_blob(self._blobs, fate.sha256, fate.path)
        artifact = record_artifact(self._engine, fate, int(time.time() * 1000))
        outcome = _success(fate.variant, artifact, ConversionResult.STORED, fate.seconds)
        return outcome, artifact.conversion_key, fate.variant

    async def _tell_stored(
        self, request: _Request, weights: Weights, variants: tuple[Variant, ...]
    ) -> tuple[Variant, ...]:
        """Tells of the variants that are stored already; gives those that are not."""
        missing = []
        for variant in variants:
            artifact = await asyncio.to_thread(self._find, variant, weights)
            if artifact is None:
                missing.append(variant)
            else:
                outcome = _success(variant, artifact, ConversionResult.CACHED, 0.0)
                await request.listener.on_outcome(variant, outcome, artifact.conversion_key)
        return tuple(missing)

    def _find(self, variant: Variant, weights: Weights) -> Artifact | None:
        with _tools_named():
            artifact = find_artifact(self._engine, conversion_key(variant, weights))
        if artifact is None or not has_blob(self._blobs, artifact.sha256, artifact.size_bytes):
            return None
        return artifact


@contextmanager
def _tools_named() -> Iterator[None]:
    try:
        yield
    except ToolMissing as error:
        raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error


async def _run(
    threads: ThreadPoolExecutor, work: Callable[[], ResultT], cancellation: Cancellation
) -> ResultT:
    """What `work` gives; when the caller is cancelled, the work ends before the caller does."""
    future = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([future])
        # Seen, so that nobody complains that it was not: the work says that it was cancelled.
        future.exception()
        raise


async def _all_or_first_error(work: Sequence[Awaitable[ResultT]]) -> list[ResultT]:
    """Every result; an error is raised only when everything has ended, so that nothing goes on."""
    results = await asyncio.gather(*work, return_exceptions=True)
    given: list[ResultT] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        given.append(result)
    return given


def _success(
    variant: Variant, artifact: Artifact, result: ConversionResult, seconds: float
) -> ConversionOutcome:
    return _outcome(
        variant,
        result=result,
        weights=artifact.weights,
        weights_digest=artifact.weights_digest,
        artifact_sha256=artifact.sha256,
        artifact_size_bytes=artifact.size_bytes,
        max_relative_difference=artifact.max_relative_difference,
        parity_tolerance=artifact.parity_tolerance,
        checked_through=artifact.checked_through,
        seconds=seconds,
    )


def _refusal(
    variant: Variant, kind: WeightsKind, weights_digest: str, reason: str, seconds: float
) -> ConversionOutcome:
    return _outcome(
        variant,
        result=ConversionResult.REFUSED,
        weights=kind,
        weights_digest=weights_digest,
        reason=reason,
        seconds=seconds,
    )


def _outcome(variant: Variant, **found: Any) -> ConversionOutcome:
    return ConversionOutcome(
        backbone=variant.backbone,
        format=variant.format.value,
        precision=variant.precision.value,
        target=variant.target.value,
        input_size=variant.input_size,
        **found,
    )
