"""What the controller speaks of: devices, sweeps, jobs, measurements, rankings.

The dataclasses mirror the messages of the contract by their field names (see protos/codec.py), and
their JSON form is what every `--json` prints.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.measurements.figures import (
    DelegationFigures,
    EnergyFigures,
    LatencyFigures,
    MemoryFigures,
    MeteredEnergy,
    MinuteFigures,
    OutputFigures,
    PacedFigures,
    ProviderShare,
)
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings, Repetition
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

__all__ = [
    "DelegationFigures",
    "EnergyFigures",
    "LatencyFigures",
    "Measurement",
    "MeasurementFilter",
    "MemoryFigures",
    "MeteredEnergy",
    "MinuteFigures",
    "ORDINARY_ONNXRUNTIME",
    "OutputFigures",
    "PacedFigures",
    "ProviderShare",
    "Verdict",
    "per_image_ms",
    "sustained_minutes",
]

ORDINARY_ONNXRUNTIME: Final = OnnxRuntimeOptions()


class Verdict(Enum):
    """How far a figure can be trusted."""

    OK = "ok"
    """Nothing keeps it from being trusted."""
    WIDE = "wide"
    """The interval is wider than was asked for, and says so honestly."""
    DISTURBED = "disturbed"
    """Something that is no part of the job took part: others had its cores, the device was not
    ready, another runtime ran."""
    THROTTLED = "throttled"
    """The device or the process changed meanwhile."""
    FAILED = "failed"
    """There are no figures."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A measurement beside the accuracy of its backbone.

    Attributes:
        measurement_id: unique id.
        sweep_id: sweep that asked for it.
        job_id: job that it answers.
        device: name of the device.
        backbone: name of the backbone.
        series: its family.
        runtime: what measured it.
        runtime_version: its version.
        runtime_build: what it says of its own build.
        format: of the artifact.
        precision: of the artifact.
        target: what the artifact was made for.
        input_size: of the images.
        batch: images of one inference.
        threads: threads that the runtime was told to use.
        weights: where those inside the artifact come from.
        weights_digest: SHA-256 of the weights, or of the recipe of synthetic ones.
        artifact_sha256: digest of the artifact.
        artifact_size_bytes: size of the artifact, bytes.
        max_relative_difference: largest relative difference of the artifact's outputs from
            Paddle's own.
        checked_through: what compared the outputs: the artifact's own format, or its twins.
        verdict: how far it can be trusted.
        measured_at_unix_ms: when it ended by the device's clock, ms since 1970 UTC.
        reasons: why the verdict is not ok; of an ok one what it does not tell: one process, a
            failed sentinel, a clock that was set, repetitions that could not start or do not count.
        busy_threads: threads that were counted computing; 0 is unknown.
        top1: top-1 on `accuracy_dataset` in the measurement's precision, percent; None where it is
            not known.
        top5: the same for top-5.
        accuracy_source: document that the accuracy comes from.
        params_m: millions of parameters, published.
        flops_g: 10^9 multiply-adds of one image, published.
        latency: figures of all samples; None where there are none.
        memory: figures of the memory that it took; None where there are none.
        repetitions: the raw samples; empty unless they were asked for.
        affinity: cores that the children's threads were allowed to run on.
        accuracy_dataset: dataset of `top1` and `top5`: ImageNet-1k unless another was asked for.
        settings: everything that its repetitions were told; None is unknown.
        minutes: of sustained inference, in order, without minutes in which none began; else empty.
        repetitions_wanted: the most repetitions that its job asked for.
        latency_per_image_ms: median latency divided by the batch, ms; None where an inference has
            one image, or there is no figure.
        accuracy_input_size: size that the accuracy is known at; None where it is known for any,
            or not at all. Where it is another than `input_size`, no accuracy is
            known at that.
        outputs: what the outputs were on the device; None where nobody compared them.
        output_tolerance: largest relative difference of the outputs that passes there; None where
            it is not known.
        emulator: what computed in the device's place, as its profile says; empty where nothing did.
        paced: of inference on a clock, beside `latency`, which is of inference back to back; None
            without.
        energy: of an inference above rest, informative; None where the device tells no power.
        delegation: where nodes really ran of what was told another execution provider; None else.
    """

    measurement_id: str
    sweep_id: str
    job_id: str
    device: str
    backbone: str
    series: str
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
    artifact_size_bytes: int
    max_relative_difference: float
    checked_through: CheckedThrough
    verdict: Verdict
    measured_at_unix_ms: int
    reasons: tuple[Reason, ...] = ()
    busy_threads: int = 0
    top1: float | None = None
    top5: float | None = None
    accuracy_source: str = ""
    params_m: float | None = None
    flops_g: float | None = None
    latency: LatencyFigures | None = None
    memory: MemoryFigures | None = None
    repetitions: tuple[Repetition, ...] = ()
    affinity: tuple[int, ...] = ()
    accuracy_dataset: str = IMAGENET
    settings: MeasureSettings | None = None
    minutes: tuple[MinuteFigures, ...] = ()
    repetitions_wanted: int = 0
    latency_per_image_ms: float | None = None
    accuracy_input_size: ImageSize | None = None
    outputs: OutputFigures | None = None
    output_tolerance: float | None = None
    emulator: str = ""
    paced: PacedFigures | None = None
    energy: EnergyFigures | None = None
    delegation: DelegationFigures | None = None


@dataclass(frozen=True, kw_only=True)
class MeasurementFilter:
    """Which measurements to read; None is no restriction.

    With `at_minute`, they come with the figures and samples of that minute of sustained inference;
    with `with_underway`, behind them what jobs that are still measured tell so far, without
    samples.
    """

    device: str | None = None
    sweep_id: str | None = None
    backbone: str | None = None
    with_samples: bool = False
    accuracy_dataset: str = IMAGENET
    at_minute: int | None = None
    with_underway: bool = False


def per_image_ms(median_ms: float | None, batch: int) -> float | None:
    """The median latency of one image, ms; None where an inference has one, or has no figure."""
    return None if median_ms is None or batch == 1 else median_ms / batch


def sustained_minutes(measurement: Measurement) -> int:
    """How many minutes of continuous inference were asked for; 0 for an ordinary measurement."""
    return 0 if measurement.settings is None else measurement.settings.sustained_minutes
