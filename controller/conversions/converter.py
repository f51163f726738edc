"""Gives every variant its artifact: found in the store, or made by converting children."""

import asyncio
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from obstore.store import LocalStore

from controller.conversions.admission import Admission
from controller.conversions.cancellable import run_cancellable
from controller.conversions.disk_room import RESERVED_BYTES, lack_of_room
from controller.conversions.host_memory import room_bytes
from controller.conversions.outcomes import not_kept, not_tried, of_refusal, with_artifact
from controller.conversions.stored import is_kept, keep
from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Activity, ActivityKind
from controller.fleet.clock import Clock
from controller.fleet.host_gate import HostGate
from controller.state.artifacts import Artifact, find_artifact, record_artifact
from controller.state.database import Database
from models.catalog.catalog import Backbone, Catalog
from models.catalog.own import is_own
from models.catalog.variants import Variant, WeightsKind
from models.conversion.cost import expected_disk_bytes, expected_peak_bytes, mixed_by_cost
from models.conversion.pipeline import (
    Cancellation,
    Converted,
    ForkServers,
    Refused,
    StepLimits,
    ToolMissing,
    conversion_key,
    convert,
)
from models.weights.weights import (
    Weights,
    WeightsUnavailable,
    WeightsUnreachable,
    resolve_weights,
)

OnOutcome = Callable[[Variant, ConversionOutcome, str], Awaitable[None]]
OnActivity = Callable[[Activity], None]
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
    """The variants of one backbone that one caller wants.

    Artifacts are kept while `spare_disk_bytes` stay free: the room to work on whatever else the
    caller wants.
    """

    backbone: Backbone
    variants: tuple[Variant, ...]
    kind: WeightsKind
    listener: Listener
    cancellation: Cancellation
    servers: ForkServers
    spare_disk_bytes: int


class Converter:
    """Converts with as many children at once as there are cores, each backbone once at a time."""

    def __init__(
        self,
        database: Database,
        blobs: LocalStore,
        state_dir: Path,
        catalog: Catalog,
        gate: HostGate,
        *,
        clock: Clock,
        on_converted: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        self._on_converted = on_converted
        self._database = database
        self._blobs = blobs
        self._state_dir = state_dir
        self._weights_dir = state_dir / "weights"
        self._work_dir = state_dir / "work"
        # What a killed controller left there is of no use to anybody.
        shutil.rmtree(self._work_dir, ignore_errors=True)
        self._catalog = catalog
        self._gate = gate
        self._clock = clock
        self._at_once = os.cpu_count() or 1
        self.admission = Admission(self._at_once, room_bytes)
        self._conversions = ThreadPoolExecutor(self._at_once, "convert")
        self._downloads = ThreadPoolExecutor(DOWNLOADS, "download")
        self._under_way: set[Cancellation] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Ends every child and frees the threads; who still waits in `ensure` is told so."""
        for cancellation in tuple(self._under_way):
            cancellation.cancel()
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
            ConversionCancelled: the converter was closed.
        """
        by_backbone: defaultdict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            by_backbone[variant.backbone].append(variant)
        cancellation, servers = Cancellation(), ForkServers()
        spare_disk_bytes = self._spare_disk_bytes(by_backbone)
        requests = [
            _Request(
                backbone,
                tuple(by_backbone[backbone.name]),
                kind,
                listener,
                cancellation,
                servers,
                spare_disk_bytes,
            )
            for backbone in mixed_by_cost([self._catalog.get(name) for name in by_backbone])
        ]
        weights = await _all_or_first_error([self._weights(request) for request in requests])
        to_make = []
        for request, found in zip(requests, weights, strict=True):
            if found is not None:
                missing = await self._tell_stored(request, found, request.variants)
                to_make += [(request, found, missing)] if missing else []
        if to_make:
            async with self._gate.converting(lambda: asyncio.to_thread(servers.rest)):
                self._under_way.add(cancellation)
                try:
                    await _all_or_first_error([self._make(*work) for work in to_make])
                finally:
                    self._under_way.discard(cancellation)
                    # Nothing is left that would share its libraries' memory with a measurement.
                    await asyncio.to_thread(servers.close)

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
            with _tools_named():
                return await run_cancellable(self._downloads, resolve, request.cancellation)
        except WeightsUnavailable as error:
            is_out_of_reach = isinstance(error, WeightsUnreachable)
            result = ConversionResult.FAILED if is_out_of_reach else ConversionResult.REFUSED
            kind = WeightsKind.OWN if is_own(request.backbone) else request.kind
            for variant in request.variants:
                outcome = not_tried(variant, result, kind, "", str(error))
                await request.listener.on_outcome(variant, outcome, "")
            return None

    async def _make(
        self, request: _Request, weights: Weights, variants: tuple[Variant, ...]
    ) -> None:
        loop = asyncio.get_running_loop()

        def on_step(step: str) -> None:
            name = request.backbone.name
            activity = Activity(kind=ActivityKind.CONVERTING, backbone=name, step=step)
            loop.call_soon_threadsafe(request.listener.on_activity, activity)

        async with self._locks[request.backbone.name]:
            # Another caller may have made them while this one waited.
            missing = await self._tell_stored(request, weights, variants)

            if missing:
                expected_bytes = expected_peak_bytes(request.backbone, missing)
                file_bytes = RESERVED_BYTES + expected_disk_bytes(request.backbone, missing)
                async with (
                    self.admission.admitted(expected_bytes) as memory_bytes,
                    self._gate.working(),
                ):
                    limits = StepLimits(memory_bytes=memory_bytes, file_bytes=file_bytes)

                    def work() -> list[tuple[ConversionOutcome, str, Variant]]:
                        return self._convert(request, missing, weights, limits, on_step)

                    made = await run_cancellable(self._conversions, work, request.cancellation)
                for outcome, key, variant in made:
                    await request.listener.on_outcome(variant, outcome, key)

    def _spare_disk_bytes(self, by_backbone: Mapping[str, Sequence[Variant]]) -> int:
        needs = sorted(
            expected_disk_bytes(self._catalog.get(name), variants)
            for name, variants in by_backbone.items()
        )
        return RESERVED_BYTES + sum(needs[-self._at_once :])

    def _convert(
        self,
        request: _Request,
        variants: tuple[Variant, ...],
        weights: Weights,
        limits: StepLimits,
        on_step: Callable[[str], None],
    ) -> list[tuple[ConversionOutcome, str, Variant]]:
        name = request.backbone.name
        try:
            needed_bytes = expected_disk_bytes(request.backbone, variants)
            if lack := lack_of_room(self._state_dir, needed_bytes, RESERVED_BYTES):
                return [_no_room(variant, weights, lack) for variant in variants]
            self._work_dir.mkdir(exist_ok=True)
            with _tools_named(), tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
                fates = convert(
                    request.backbone,
                    variants,
                    weights,
                    Path(folder),
                    on_step,
                    limits=limits,
                    cancellation=request.cancellation,
                    servers=request.servers,
                )
                return [self._settle(fate, weights, request.spare_disk_bytes) for fate in fates]
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"converting {name} failed on the disk under {self._work_dir}: {error.strerror}; "
                "check that it is writable and has room",
            ) from error

    def _settle(
        self, fate: Converted | Refused, weights: Weights, spare_disk_bytes: int
    ) -> tuple[ConversionOutcome, str, Variant]:
        if isinstance(fate, Refused):
            return of_refusal(fate, weights), "", fate.variant
        lack = lack_of_room(self._state_dir, fate.size_bytes, spare_disk_bytes)
        if not lack:
            keep(self._blobs, fate)
        artifact = record_artifact(self._database, fate, self._clock.unix_ms())
        self._on_converted(fate.seconds)
        if lack:
            return not_kept(fate.variant, artifact, lack), "", fate.variant
        outcome = with_artifact(fate.variant, artifact, ConversionResult.STORED)
        return outcome, artifact.conversion_key, fate.variant

    async def _tell_stored(
        self, request: _Request, weights: Weights, variants: tuple[Variant, ...]
    ) -> tuple[Variant, ...]:
        """Tells of the variants that need not be made; gives the others.

        One that was made, checked and not kept is made again once there is room.
        """
        missing = []
        for variant in variants:
            artifact, is_stored = await asyncio.to_thread(
                self._find, request.backbone, variant, weights
            )
            if artifact is None:
                missing.append(variant)
            elif is_stored:
                outcome = with_artifact(variant, artifact, ConversionResult.CACHED)
                await request.listener.on_outcome(variant, outcome, artifact.conversion_key)
            elif lack := lack_of_room(
                self._state_dir, artifact.size_bytes, request.spare_disk_bytes
            ):
                await request.listener.on_outcome(variant, not_kept(variant, artifact, lack), "")
            else:
                missing.append(variant)
        return tuple(missing)

    def _find(
        self, backbone: Backbone, variant: Variant, weights: Weights
    ) -> tuple[Artifact | None, bool]:
        with _tools_named():
            key = conversion_key(variant, weights, backbone.input_kind)
        artifact = find_artifact(self._database, key)
        if artifact is None:
            return None, False
        return artifact, is_kept(self._blobs, artifact)


@contextmanager
def _tools_named() -> Iterator[None]:
    try:
        yield
    except ToolMissing as error:
        raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error


async def _all_or_first_error(work: Sequence[Awaitable[ResultT]]) -> list[ResultT]:
    """Every result; an error is raised only when everything has ended, so that nothing goes on."""
    results = await asyncio.gather(*work, return_exceptions=True)
    given: list[ResultT] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        given.append(result)
    return given


def _no_room(
    variant: Variant, weights: Weights, lack: str
) -> tuple[ConversionOutcome, str, Variant]:
    reason = f"no room to work: {lack}"
    outcome = not_tried(variant, ConversionResult.FAILED, weights.kind, weights.digest, reason)
    return outcome, "", variant
