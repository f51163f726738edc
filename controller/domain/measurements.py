"""What the controller speaks of: devices, sweeps, jobs, measurements, rankings.

The dataclasses mirror the messages of the contract by their field names (see protos/codec.py), and
their JSON form is what every `--json` prints.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings, Repetition, StopReason
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

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
class LatencyFigures:
    """Figures derived from every sample of every repetition.

    Attributes:
        median_ms: median of all samples, ms; in it, the percentiles and the deviation each
            repetition counts alike.
        low_ms: lower end of the 95 % interval of the median, ms.
        high_ms: upper end of the same, ms.
        p90_ms: 90th percentile, ms.
        p99_ms: 99th percentile, ms.
        mad_ms: median absolute deviation from the median, not scaled, ms.
        min_ms: shortest, ms.
        first_run_ms: first inference after loading, median over the repetitions, ms.
        load_ms: reading the artifact and making it ready, median over the repetitions, ms.
        sample_count: timed inferences of all repetitions.
        repetition_count: child processes.
        stop_reason: that of the repetition which says least of how precise the figures are.
        outlier_count: samples farther above their repetition's third quartile than 3 interquartile
            ranges, which count in every figure; None where it was measured before they were
            counted.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    p90_ms: float
    p99_ms: float
    mad_ms: float
    min_ms: float
    first_run_ms: float
    load_ms: float
    sample_count: int
    repetition_count: int
    stop_reason: StopReason
    outlier_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class MinuteFigures:
    """What one minute of sustained inference was like.

    Attributes:
        minute: number of the minute, the first being 1.
        latency: of this minute's samples; first run and load are those of the whole measurement.
    """

    minute: int
    latency: LatencyFigures


@dataclass(frozen=True, kw_only=True)
class PacedFigures:
    """What inference on a clock was like, one for each frame and at rest between them.

    Attributes:
        fps: frames a second.
        latency: of these inferences; first run, load and stop reason are those of the whole
            measurement.
        frame_count: frames that came.
        missed_count: of those, whose outputs were not there when the next one came: dropped ones
            and late ones.
        dropped_count: of those, never begun, since the one before was still computed.
        missed_share: missed_count / frame_count.
        times_back_to_back: its median over that of inference back to back.
    """

    fps: float
    latency: LatencyFigures
    frame_count: int
    missed_count: int
    dropped_count: int
    missed_share: float
    times_back_to_back: float


@dataclass(frozen=True, kw_only=True)
class MeteredEnergy:
    """What an inference took of energy above rest, as one meter tells it.

    Attributes:
        source: the meter, by the kernel's name.
        per_inference_mj: mean over the repetitions, mJ.
        low_mj: lower end of its 95 % interval, mJ; None of one repetition.
        high_mj: upper end of the same, mJ.
        busy_watts: mean power back to back, watts.
        resting_watts: mean power at rest just before, watts.
        repetition_count: repetitions that it is known of.
    """

    source: str
    per_inference_mj: float
    low_mj: float | None = None
    high_mj: float | None = None
    busy_watts: float
    resting_watts: float
    repetition_count: int


@dataclass(frozen=True, kw_only=True)
class EnergyFigures:
    """What an inference took of energy, by every meter of the device; informative.

    Attributes:
        meters: parts of each other, maybe, so that they do not add up; empty where it cannot be
            told.
        was_charging: whether a battery was charged meanwhile, which hides what the device took.
    """

    meters: tuple[MeteredEnergy, ...] = ()
    was_charging: bool = False


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Resident memory: peaks above that of the runtime with no model, and the whole process.

    Attributes:
        peak_rss_bytes: high-water mark above the baseline, largest of the repetitions, bytes.
        baseline_rss_bytes: high-water mark of the runtime with no model, bytes.
        pss_bytes: proportional set size of the whole process, bytes; None where the kernel does
            not give it.
        load_peak_rss_bytes: high-water mark while it loaded the artifact above the baseline,
            largest of the repetitions, bytes; None where the kernel does not tell.
        first_run_peak_rss_bytes: high-water mark of the first run above the baseline, largest of
            the repetitions, bytes; None where the kernel does not tell.
        steady_peak_rss_bytes: high-water mark of the warm-up above the baseline, largest of the
            repetitions, bytes; None where the kernel does not tell.
        private_dirty_bytes: written to and not shared, of the whole process when it was warmed up,
            bytes; None where the kernel does not tell.
        anonymous_bytes: heap and stacks, of the whole process when it was warmed up, bytes; None
            where the kernel does not tell.
        file_backed_bytes: pages of mapped files: libraries, and the artifact where the runtime
            maps it, of the whole process when it was warmed up, bytes; None where the kernel does
            not tell.
        mapped_artifact_bytes: of those, the artifact's; 0 where the runtime copies it into its
            heap, bytes; None where the kernel does not tell.
        least_peak_rss_bytes: the peak of the repetition that needed least, as `peak_rss_bytes` is
            of the one that needed most, bytes; None is unknown.
    """

    peak_rss_bytes: int
    baseline_rss_bytes: int
    pss_bytes: int | None = None
    load_peak_rss_bytes: int | None = None
    first_run_peak_rss_bytes: int | None = None
    steady_peak_rss_bytes: int | None = None
    private_dirty_bytes: int | None = None
    anonymous_bytes: int | None = None
    file_backed_bytes: int | None = None
    mapped_artifact_bytes: int | None = None
    least_peak_rss_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class OutputFigures:
    """What the outputs were on the device, beside those that they should be: the worst of all.

    What is beyond the tolerance, not finite, constant or of another shape has failed.

    Attributes:
        input_count: reference inputs that each repetition was compared on.
        repetition_count: repetitions whose outputs were compared.
        max_relative_difference: largest max|a-b| / max|b|.
        l2_relative_difference: largest ||a-b|| / ||b||, by sums of squares.
        top1_agreement: least share of score vectors whose largest score is that of the reference,
            0 to 1; no accuracy; None where there is no vector of scores, or it is too long to be
            kept whole.
    """

    input_count: int
    repetition_count: int
    max_relative_difference: float
    l2_relative_difference: float
    top1_agreement: float | None = None


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
