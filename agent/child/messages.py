"""What the agent and its measuring child say to each other.

The request is one JSON document on the child's stdin. The answer is lines, each `kind`, a blank
and a JSON document: first the phases that begin, then one answer or refusal.
"""

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from cattrs import BaseValidationError, Converter

from protos.device import DeviceState
from protos.fleet import Failure
from protos.inputs import NetworkInput
from protos.measuring import (
    AveragedRuns,
    OperatorTimes,
    OutputCheck,
    PacedSamples,
    ProcessMemory,
    ProviderUse,
    StopReason,
)
from protos.runtimes import OnnxRuntimeOptions, Runtime

T = TypeVar("T")

_converter = Converter(detailed_validation=False)


class ProtocolBroken(Exception):
    """A line is not what the other side may say."""


class Phase(Enum):
    """What the child does now; its death is told with it."""

    IMPORTING = "importing the runtime"
    LOADING = "loading the artifact"
    FIRST_RUN = "running for the first time"
    WARMING_UP = "warming up"
    SAMPLING = "sampling"
    PACING = "running on a clock"
    COMPARING = "comparing its outputs"
    PROFILING = "profiling"
    REPORTING = "reporting"


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What to measure; see `protos.measuring.MeasureSettings`.

    Attributes:
        process_spread: standard deviation between processes, relative; 0 is unknown.
        windows: of sustained inference; 0 stops at the wanted half-width instead.
        window_ms: how long each of them is.
        paced_fps: frames a second, behind the samples; 0 is none.
        paced_ms: how long these come.
        reference_path: what its outputs are compared with; None where they are not.
        trace_folder: the parent's, for a profiled inference behind all; None for none.
    """

    artifact_path: str
    threads: int
    relative_half_width: float
    time_budget_ms: int
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    process_spread: float = 0.0
    windows: int = 0
    window_ms: int = 0
    paced_fps: float = 0.0
    paced_ms: int = 0
    reference_path: str | None = None
    trace_folder: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read."""
        paths = (self.artifact_path, self.reference_path)
        return tuple(Path(each) for each in paths if each is not None)


@dataclass(frozen=True, kw_only=True)
class Profiling:
    """What to profile, and the folder of the parent's that the compressed trace comes into."""

    artifact_path: str
    threads: int
    run_count: int
    folder: str
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read."""
        return (Path(self.artifact_path),)

    @property
    def trace_path(self) -> Path:
        """Where the compressed trace is once there is an answer."""
        return Path(self.folder) / "trace.json.gz"

    @property
    def uncompressed_path(self) -> Path:
        """Where the native runner leaves it, which does not compress."""
        return Path(self.folder) / "trace.json"


@dataclass(frozen=True, kw_only=True)
class Given:
    """Inputs as files, for a child that cannot draw them: the native runner.

    Attributes:
        inputs_path: the images, then the other inputs in their order, row by row, as memory has
            them.
        reference_inputs_path: the images that outputs are compared on, one after the other; None
            where they are not compared.
    """

    inputs_path: str
    reference_inputs_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChildRequest:
    """One repetition, a profile, or, without both, the memory of the same process with no network.

    Attributes:
        parent_pid: the child dies with this process.
        memory_limit_bytes: of private writable memory (RLIMIT_DATA).
        cores: those that the child and all its threads run on; empty is as the parent may.
        given: the inputs; None where the child draws them.
    """

    parent_pid: int
    memory_limit_bytes: int
    runtime: Runtime
    takes: NetworkInput
    input_seed: int
    cores: tuple[int, ...] = ()
    sampling: Sampling | None = None
    profiling: Profiling | None = None
    given: Given | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read: the artifact, and what its outputs are compared with."""
        work = self.sampling or self.profiling
        return () if work is None else work.files

    @property
    def trace_folder(self) -> Path | None:
        """The folder that a trace comes into, if one is asked for."""
        if self.profiling is not None:
            return Path(self.profiling.folder)
        traced = self.sampling is not None and self.sampling.trace_folder
        return Path(traced) if traced else None


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """The answer to a request with `sampling`.

    Attributes:
        library_version: of a child that learns it of the library itself; else empty.
    """

    build: str
    latency_ns: tuple[int, ...]
    warmup_ns: tuple[int, ...]
    warmup_settled: bool | None
    load_ns: int
    peak_rss_bytes: int
    pss_bytes: int | None
    memory: ProcessMemory
    busy_threads: int
    stop_reason: StopReason
    before: DeviceState
    after: DeviceState
    affinity: tuple[int, ...]
    samples_per_window: tuple[int, ...] = ()
    output_check: OutputCheck | None = None
    library_version: str = ""
    averaged: AveragedRuns | None = None
    paced: PacedSamples | None = None
    providers: tuple[ProviderUse, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The answer to a request without `sampling` and `profiling`: of the runtime alone."""

    peak_rss_bytes: int
    build: str = ""
    library_version: str = ""
    execution_providers: tuple[str, ...] = ()
    extra_kernels: bool | None = None


@dataclass(frozen=True, kw_only=True)
class RunsProfiled:
    """The answer to a request with `profiling`."""

    build: str
    times: OperatorTimes
    affinity: tuple[int, ...]


Answer = Sampled | Baseline | RunsProfiled | Failure
Line = Phase | Answer

_KINDS: dict[str, Any] = {
    "phase": Phase,
    "sampled": Sampled,
    "baseline": Baseline,
    "profiled": RunsProfiled,
    "refused": Failure,
}
_KIND_OF = {domain_type: kind for kind, domain_type in _KINDS.items()}


def encode_request(request: ChildRequest) -> bytes:
    """The request as the child reads it."""
    return json.dumps(_converter.unstructure(request)).encode()


def decode_request(document: bytes) -> ChildRequest:
    """The request that the parent wrote."""
    return _structure(json.loads(document), ChildRequest)


def encode_line(line: Line) -> bytes:
    """One line as the parent reads it."""
    return f"{_KIND_OF[type(line)]} {json.dumps(_converter.unstructure(line))}\n".encode()


def say(pipe: BinaryIO, line: Line) -> None:
    """Write one line, at once."""
    pipe.write(encode_line(line))
    pipe.flush()


def decode_line(line: bytes) -> Line:
    """The line that the child wrote.

    Raises:
        ProtocolBroken: it is something else.
    """
    kind, _, document = line.partition(b" ")
    domain_type = _KINDS.get(kind.decode("ascii", "replace"))
    if domain_type is None or not line.endswith(b"\n"):
        raise ProtocolBroken(f"the child wrote {line[:80].decode(errors='replace')!a}")
    try:
        decoded: Line = _structure(json.loads(document), domain_type)
        if isinstance(decoded, Failure) and not decoded.reasons:
            raise ValueError("a failure without a reason")
    except (ValueError, KeyError, TypeError, AttributeError, BaseValidationError) as error:
        raise ProtocolBroken(
            f"the child wrote no {kind.decode()}: {document[:80].decode(errors='replace')!a}"
        ) from error
    return decoded


def phase_of(line: bytes) -> Phase | None:
    """The phase that a line tells of, or None for every other line, rubbish included."""
    if not line.startswith(b"phase "):
        return None
    try:
        decoded = decode_line(line)
    except ProtocolBroken:
        return None
    return decoded if isinstance(decoded, Phase) else None


def _structure(document: Any, domain_type: type[T]) -> T:
    return _converter.structure(document, domain_type)
