"""Where the time of inferences goes, by operator, and the trace that tells it."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

from controller.domain.cores import Cores
from controller.domain.devices import HeldUp
from controller.domain.sweeps import Activity, SweepPhase
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings, OperatorTimes, StartGate
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

# A trace is kept in Chrome's JSON format, gzip-compressed, within these.
MAX_PACKED_BYTES = 8 * 1024**2
MAX_BYTES = 16 * 1024**2
# What zlib calls a gzip header and the largest window.
_GZIP = 31


@dataclass(frozen=True, kw_only=True)
class ProfileSpec:
    """What a person asks to be profiled.

    Without precision, input size and batch it is the backbone's own.
    """

    backbone: str
    device: str
    runtime: Runtime
    threads: int
    weights: WeightsKind
    run_count: int
    precision: Precision | None = None
    batch: int | None = None
    input_size: ImageSize | None = None
    cores: Cores = Cores()
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()


@dataclass(frozen=True, kw_only=True)
class ProfileProgress:
    """How far a profile is that has not ended."""

    profile_id: str
    phase: SweepPhase
    activities: tuple[Activity, ...] = ()
    held_up: tuple[HeldUp, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OperatorProfile:
    """Where the time of a backbone's inferences on a device went, with its context.

    Attributes:
        profile_id: unique id, by which it can be shown again.
        device: name of the device.
        backbone: name of the backbone.
        runtime: always ONNX Runtime: Paddle Lite's wheel has no profiler.
        runtime_version: its version.
        runtime_build: what the library says of its own build.
        format: of the artifact.
        precision: of the artifact.
        target: what the artifact was made for.
        input_size: of the images.
        batch: images per inference.
        threads: threads that the runtime was told to use.
        weights: where those inside the artifact come from.
        weights_digest: SHA-256 of the weights, or of the recipe of synthetic ones.
        artifact_sha256: digest of the artifact.
        affinity: cores that the child was allowed to run on.
        profiled_at_unix_ms: by the device's clock, ms since 1970 UTC.
        times: where the time went.
        settings: everything that its job was told; None is unknown.
        started_unready: what was in the way of its start gate when it started all the same; None is
            nothing.
        emulator: what computed in the device's place, as its profile says; empty where nothing did.
    """

    profile_id: str
    device: str
    backbone: str
    runtime: Runtime
    runtime_version: str
    runtime_build: str
    format: Format
    precision: Precision
    target: Target
    input_size: ImageSize
    batch: int
    threads: int
    weights: WeightsKind
    weights_digest: str
    artifact_sha256: str
    affinity: tuple[int, ...]
    profiled_at_unix_ms: int
    times: OperatorTimes
    settings: MeasureSettings | None = None
    started_unready: Reason | None = None
    emulator: str = ""


MAX_PROFILE_RUNS = 1_000


class TraceDoubtful(ValueError):
    """It is not such a trace; the message says what it is or lacks."""


def unpack_trace(packed: bytes) -> bytes:
    """The trace's JSON text, which Perfetto opens.

    Raises:
        TraceDoubtful: it is too large, no gzip, cut off, or no list of complete events.
    """
    if len(packed) > MAX_PACKED_BYTES:
        raise TraceDoubtful(f"a trace of {len(packed)} bytes")
    # Some bytes can unpack to gigabytes.
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(packed, MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise TraceDoubtful(f"a trace that unpacks to more than {MAX_BYTES} bytes")
        if not unpacking.eof or unpacking.unused_data:
            raise TraceDoubtful("a trace that is not one whole gzip file")
        events = json.loads(text, parse_constant=_refuse)
    except (zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, TraceDoubtful):
            raise
        raise TraceDoubtful("a trace that is no gzip-compressed JSON") from error
    if not isinstance(events, list) or not events or not all(map(_is_event, events)):
        raise TraceDoubtful("a trace that is no list of complete events")
    return text


def _is_event(event: Any) -> bool:
    """Whether it has a name, a place and a time, as complete events have ("X")."""
    if not isinstance(event, dict) or event.get("ph") != "X":
        return False
    numbers = [event.get(key) for key in ("ts", "dur", "pid", "tid")]
    return isinstance(event.get("name"), str) and all(
        isinstance(number, int) and number >= 0 for number in numbers
    )


def _refuse(constant: str) -> None:
    """NaN and its like, which Python reads and JSON does not have."""
    raise TraceDoubtful(f"a trace with {constant}")
