"""Gives every variant its artifact: found in the store, or made by converting children."""

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Listener:
    """Whom a conversion tells: each variant's outcome with its key, and what goes on now."""

    on_outcome: OnOutcome
    on_activity: OnActivity


@dataclass(frozen=True)
class _Work:
    """The variants of a backbone that are yet to be made."""

    backbone: Backbone
    variants: tuple[Variant, ...]
    weights: Weights | None


class Converter:
    """Converts with as many children at once as there are cores, each backbone once at a time."""

    def __init__(
        self, engine: Engine, blobs: LocalStore, state_dir: Path, catalog: Catalog, gate: HostGate
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._weights_dir = state_dir / "weights"
        self._work_dir = state_dir / "work"
        self._catalog = catalog
        self._gate = gate
        self._cancellation = Cancellation()
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "convert")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Ends every converting child."""
        self._cancellation.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def ensure(
        self, variants: Sequence[Variant], kind: WeightsKind, listener: Listener
    ) -> None:
        """Tells the listener of every variant's outcome, in its event loop.

        Raises:
            EdgerankError: PRECONDITION when a conversion tool is missing, STORAGE when the state's
                disk fails.
        """
        missing = [work for work in await self._look_up(variants, kind, listener) if work.variants]
        if not missing:
            return
        async with self._gate.converting():
            await asyncio.gather(*(self._make(work, listener) for work in missing))

    async def _look_up(
        self, variants: Sequence[Variant], kind: WeightsKind, listener: Listener
    ) -> list[_Work]:
        by_backbone: defaultdict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            by_backbone[variant.backbone].append(variant)
        return await asyncio.gather(
            *(
                self._look_up_backbone(self._catalog.get(name), group, kind, listener)
                for name, group in by_backbone.items()
            )
        )

    async def _look_up_backbone(
        self, backbone: Backbone, variants: list[Variant], kind: WeightsKind, listener: Listener
    ) -> _Work:
        listener.on_activity(f"looking up {backbone.name}")
        try:
            weights = await asyncio.to_thread(
                resolve_weights, backbone, kind, self._weights_dir, _ignore_progress
            )
        except WeightsUnavailable as error:
            for variant in variants:
                outcome = _refusal(variant, kind, "", str(error), 0.0)
                await listener.on_outcome(variant, outcome, "")
            return _Work(backbone, (), None)
        missing = []
        for variant in variants:
            artifact = await asyncio.to_thread(self._find, variant, weights)
            if artifact is None:
                missing.append(variant)
            else:
                outcome = _success(variant, artifact, ConversionResult.CACHED, 0.0)
                await listener.on_outcome(variant, outcome, artifact.conversion_key)
        return _Work(backbone, tuple(missing), weights)

    async def _make(self, work: _Work, listener: Listener) -> None:
        loop = asyncio.get_running_loop()

        def on_step(step: str) -> None:
            loop.call_soon_threadsafe(listener.on_activity, step)

        async with self._locks[work.backbone.name]:
            made = await loop.run_in_executor(self._threads, self._convert, work, on_step)
        for outcome, key, variant in made:
            await listener.on_outcome(variant, outcome, key)

    def _convert(
        self, work: _Work, on_step: OnActivity
    ) -> list[tuple[ConversionOutcome, str, Variant]]:
        assert work.weights is not None  # Only backbones with weights have variants to make.
        self._work_dir.mkdir(exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
                fates = convert(
                    work.backbone,
                    work.variants,
                    work.weights,
                    Path(folder),
                    on_step,
                    cancellation=self._cancellation,
                )
                return [self._settle(fate, work.weights) for fate in fates]
        except ToolMissing as error:
            raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"converting {work.backbone.name} failed on the disk under {self._work_dir}: "
                f"{error.strerror}; check that it is writable and has room",
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

    def _find(self, variant: Variant, weights: Weights) -> Artifact | None:
        try:
            artifact = find_artifact(self._engine, conversion_key(variant, weights))
        except ToolMissing as error:
            raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error
        if artifact is None or not has_blob(self._blobs, artifact.sha256, artifact.size_bytes):
            return None
        return artifact


def _ignore_progress(_done_bytes: int, _total_bytes: int | None) -> None:
    pass


def _success(
    variant: Variant, artifact: Artifact, result: ConversionResult, seconds: float
) -> ConversionOutcome:
    return ConversionOutcome(
        backbone=variant.backbone,
        format=variant.format.value,
        precision=variant.precision.value,
        target=variant.target.value,
        input_size=variant.input_size,
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
    return ConversionOutcome(
        backbone=variant.backbone,
        format=variant.format.value,
        precision=variant.precision.value,
        target=variant.target.value,
        input_size=variant.input_size,
        result=ConversionResult.REFUSED,
        weights=kind,
        weights_digest=weights_digest,
        reason=reason,
        seconds=seconds,
    )
