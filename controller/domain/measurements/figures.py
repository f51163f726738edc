"""Figures derived from the raw samples of a job."""

from dataclasses import dataclass

from protos.measuring import StopReason


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
class ProviderShare:
    """What an execution provider ran of an inference.

    Attributes:
        provider: by the runtime's own name.
        node_count: nodes as the runtime runs them: a part that a provider takes whole is one.
        node_share: of all nodes, 0 to 1.
        time_share: of what all nodes took, 0 to 1.
    """

    provider: str
    node_count: int
    node_share: float
    time_share: float


@dataclass(frozen=True, kw_only=True)
class DelegationFigures:
    """Where nodes really ran of what was told another execution provider than the CPU's.

    Attributes:
        providers: each that ran a node, the one that took the longest first.
        is_full: whether no node was left to the CPU in any repetition.
    """

    providers: tuple[ProviderShare, ...]
    is_full: bool


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
