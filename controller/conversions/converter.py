"""Gives every variant its artifact: found in the store, or made by converting children."""

import asyncio
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from obstore.store import LocalStore

from controller.conversions.admission import Admission
from controller.conversions.cancellable import run_cancellable
from controller.conversions.demand import Demand
from controller.conversions.disk_room import RESERVED_BYTES, lack_of_room
from controller.conversions.fetching import Fetching, tools_named
from controller.conversions.host_memory import room_bytes
from controller.conversions.making import Making
from controller.conversions.outcomes import not_kept, not_tried, of_refusal, with_artifact
from controller.conversions.requests import Fate, Listener, Request
from controller.conversions.stored import is_kept, keep
from controller.domain.conversions import ConversionResult
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Activity, ActivityKind
from controller.fleet.clock import Clock
from controller.fleet.host_gate import HostGate
from controller.state.artifacts import Artifact, find_artifact, record_artifact
from controller.state.database import Database
from models.catalog.catalog import Backbone, Catalog
from models.catalog.variants import Variant, WeightsKind
from models.conversion.cost import expected_disk_bytes, expected_peak_bytes, mixed_by_cost
from models.conversion.pipeline import (
    Cancellation,
    Converted,
    ForkServers,
    Refused,
    StepLimits,
    conversion_key,
    convert,
)
from models.weights.weights import Weights

ResultT = TypeVar("ResultT")


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
        self._work_dir = state_dir / "work"
        # What a killed controller left there is of no use to anybody.
        shutil.rmtree(self._work_dir, ignore_errors=True)
        self._catalog = catalog
        self._gate = gate
        self._clock = clock
        self._at_once = os.cpu_count() or 1
        self.demand = Demand()
        self.admission = Admission(self._at_once, room_bytes, self.demand)
        self._conversions = ThreadPoolExecutor(self._at_once, "convert")
        self._fetching = Fetching(state_dir / "weights")
        self._under_way: set[Cancellation] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Ends every child and frees the threads; who still waits in `ensure` is told so."""
        for cancellation in tuple(self._under_way):
            cancellation.cancel()
        self._conversions.shutdown(cancel_futures=True)
        self._fetching.close()

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
            Request(
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
        self._under_way.add(cancellation)
        try:
            await self._ensure_each(requests, Making(self._gate, servers))
        finally:
            self._under_way.discard(cancellation)
            await asyncio.to_thread(servers.close)

    async def _ensure_each(self, requests: Sequence[Request], making: Making) -> None:
        """Nothing whose weights are here waits for what is fetched."""
        here = await asyncio.to_thread(self._fetching.at_hand, requests)
        at_hand = [each for each in requests if each.backbone.name in here]
        others = [each for each in requests if each.backbone.name not in here]
        await _all_or_first_error(
            [
                self._ensure_at_hand(at_hand, making),
                *(self._ensure_fetched(request, making) for request in others),
            ]
        )

    async def _ensure_at_hand(self, requests: Sequence[Request], making: Making) -> None:
        """All ask for room at the same moment, so that what is needed first comes first."""
        weights = await _all_or_first_error([self._fetching.read(each) for each in requests])
        work: list[Callable[[], Awaitable[None]]] = []
        for request, found in zip(requests, weights, strict=True):
            if found is None:
                # It was recorded, and is gone or altered.
                work.append(partial(self._ensure_fetched, request, making))
            elif missing := await self._tell_stored(request, found, request.variants):
                work.append(partial(self._make, making, request, found, missing))
        await _all_or_first_error([begin() for begin in work])

    async def _ensure_fetched(self, request: Request, making: Making) -> None:
        found = await self._fetching.fetch(request)
        if found is None:
            return
        missing = await self._tell_stored(request, found, request.variants)
        if missing:
            await self._make(making, request, found, missing)

    async def _make(
        self, making: Making, request: Request, weights: Weights, variants: tuple[Variant, ...]
    ) -> None:
        name = request.backbone.name
        expected_bytes = expected_peak_bytes(request.backbone, variants)
        async with (
            self._locks[name],
            making.one(),
            self.admission.admitted(name, expected_bytes) as room_bytes,
        ):
            # Another caller may have made them while this one waited.
            missing = await self._tell_stored(request, weights, variants)
            if missing:
                await self._tell_made(request, weights, missing, room_bytes)

    async def _tell_made(
        self, request: Request, weights: Weights, variants: tuple[Variant, ...], room_bytes: int
    ) -> None:
        """Makes variants; tells of each as soon as it is made, while others still are."""
        loop = asyncio.get_running_loop()
        news: asyncio.Queue[Fate | None] = asyncio.Queue()

        def on_step(step: str) -> None:
            name = request.backbone.name
            activity = Activity(kind=ActivityKind.CONVERTING, backbone=name, step=step)
            loop.call_soon_threadsafe(request.listener.on_activity, activity)

        def on_fate(fate: Fate) -> None:
            loop.call_soon_threadsafe(news.put_nowait, fate)

        file_bytes = RESERVED_BYTES + expected_disk_bytes(request.backbone, variants)
        limits = StepLimits(memory_bytes=room_bytes, file_bytes=file_bytes)
        work = partial(
            self._convert, request, variants, weights, limits, on_step=on_step, on_fate=on_fate
        )
        telling = asyncio.create_task(request.listener.tell_each(news))
        try:
            async with self._gate.working():
                await run_cancellable(self._conversions, work, request.cancellation)
        finally:
            news.put_nowait(None)
            await telling

    def _spare_disk_bytes(self, by_backbone: Mapping[str, Sequence[Variant]]) -> int:
        needs = sorted(
            expected_disk_bytes(self._catalog.get(name), variants)
            for name, variants in by_backbone.items()
        )
        return RESERVED_BYTES + sum(needs[-self._at_once :])

    def _convert(
        self,
        request: Request,
        variants: tuple[Variant, ...],
        weights: Weights,
        limits: StepLimits,
        *,
        on_step: Callable[[str], None],
        on_fate: Callable[[Fate], None],
    ) -> None:
        name = request.backbone.name

        def settle(fate: Converted | Refused) -> None:
            on_fate(self._settle(fate, weights, request.spare_disk_bytes))

        try:
            needed_bytes = expected_disk_bytes(request.backbone, variants)
            if lack := lack_of_room(self._state_dir, needed_bytes, RESERVED_BYTES):
                for variant in variants:
                    on_fate(_no_room(variant, weights, lack))
                return
            self._work_dir.mkdir(exist_ok=True)
            with tools_named(), tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
                convert(
                    request.backbone,
                    variants,
                    weights,
                    Path(folder),
                    on_step,
                    limits=limits,
                    cancellation=request.cancellation,
                    servers=request.servers,
                    on_fate=settle,
                )
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"converting {name} failed on the disk under {self._work_dir}: {error.strerror}; "
                "check that it is writable and has room",
            ) from error

    def _settle(self, fate: Converted | Refused, weights: Weights, spare_disk_bytes: int) -> Fate:
        if isinstance(fate, Refused):
            return fate.variant, of_refusal(fate, weights), ""
        lack = lack_of_room(self._state_dir, fate.size_bytes, spare_disk_bytes)
        known = find_artifact(self._database, fate.conversion_key)
        # With what is not kept nobody can compare.
        kept = replace(fate, reference=None) if lack else keep(self._blobs, fate, known)
        artifact = record_artifact(self._database, kept, self._clock.unix_ms())
        self._on_converted(fate.seconds)
        if lack:
            return fate.variant, not_kept(fate.variant, artifact, lack), ""
        outcome = with_artifact(fate.variant, artifact, ConversionResult.STORED)
        return fate.variant, outcome, artifact.conversion_key

    async def _tell_stored(
        self, request: Request, weights: Weights, variants: tuple[Variant, ...]
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
        with tools_named():
            key = conversion_key(variant, weights, backbone.input_kind)
        artifact = find_artifact(self._database, key)
        if artifact is None:
            return None, False
        return artifact, is_kept(self._blobs, artifact)


async def _all_or_first_error(work: Sequence[Awaitable[ResultT]]) -> list[ResultT]:
    """Every result; an error is raised only when everything has ended, so that nothing goes on."""
    results = await asyncio.gather(*work, return_exceptions=True)
    given: list[ResultT] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        given.append(result)
    return given


def _no_room(variant: Variant, weights: Weights, lack: str) -> Fate:
    reason = f"no room to work: {lack}"
    outcome = not_tried(variant, ConversionResult.FAILED, weights.kind, weights.digest, reason)
    return variant, outcome, ""
