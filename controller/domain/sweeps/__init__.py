"""What a person asks of devices, and how far it is."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.cores import Cores
from controller.domain.devices import HeldUp
from controller.domain.jobs import JobOutcome
from controller.domain.sweeps.races import Race
from models.catalog.precisions import Precision
from models.catalog.variants import Target, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import StartGate, paced_ms
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

DEFAULT_FEWEST_REPETITIONS: Final = 3
DEFAULT_MOST_REPETITIONS: Final = 10
DEFAULT_RELATIVE_HALF_WIDTH: Final = 0.01
DEFAULT_TIME_BUDGET_MS: Final = 10_000
DEFAULT_GATE: Final = StartGate(
    # Well below where processors slow down, and above most that are at rest; one that is warmer at
    # rest starts when it is back there.
    max_celsius=60,
    # A desktop that nobody works at takes a tenth. A shared machine may work on something all the
    # time: what one core's load does to figures shows in their verdicts. One busy process takes a
    # whole core, what else runs a little beside it, and ticks of 10 ms in a look of 0.2 s round
    # that by a twentieth; a second busy process is far above.
    max_load_by_others=1.25,
    # Phones save power below it.
    min_battery_percent=20,
    deadline_ms=60_000,
)
# What all processes of a job may take together, waiting not counted, unless their sweep has a time
# of its own.
JOB_TIME_MS: Final = 15_000
_MS_PER_MINUTE: Final = 60_000


def ordinary_repetitions(sustained_minutes: int) -> tuple[int, int]:
    """The fewest and the most repetitions of a job where nobody says otherwise."""
    if sustained_minutes:
        return 1, 1
    return DEFAULT_FEWEST_REPETITIONS, DEFAULT_MOST_REPETITIONS


class SweepPhase(Enum):
    """How far a sweep is."""

    CONVERTING = "converting"
    MEASURING = "measuring"
    ENDED = "ended"
    CANCELLED = "cancelled"


RUNNING_PHASES: Final = (SweepPhase.CONVERTING, SweepPhase.MEASURING)
"""Those in which something of a sweep is still to come."""


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """What a person asks for: every backbone on every device, runtime and thread count.

    Attributes:
        backbones: their names.
        devices: their names; a label as soc=rk3588 is every connected device that has it; empty is
            every connected device.
        runtimes: those to measure with; empty is, on each device, those that it has.
        threads: how many a runtime is told to use.
        weights: where those of the artifacts come from.
        fewest_repetitions: child processes of each job, at least.
        most_repetitions: at most; more than the fewest while its interval is wider than wanted and
            time is left.
        relative_half_width: wanted half-width of the median's 95 % interval, relative to the
            median: 0.02 is +-2 %.
        time_budget_ms: the longest that one repetition may sample, warm-up not counted, ms.
        precisions: empty is fp32; a runtime takes those that its format has.
        input_sizes: empty is each backbone's evaluation size.
        batches: images per inference; empty is each backbone's own: 1, or what an own model is
            fixed to.
        cores: those that compute.
        flush_denormals: whether subnormal numbers count as 0.
        onnxruntime: what ONNX Runtime alone is told; None is its own defaults on the CPU.
        gate: what a device has to be like before a repetition starts.
        sustained_minutes: minutes of continuous inference, in the place of half-width and budget;
            0 is neither.
        sentinel: whether a small backbone is read again and again between the jobs, to tell a
            device that drifts.
        name: what a person calls it; empty is nothing.
        time_ms: what all jobs on a device may take together, ms, the fewest repetitions in any
            case; None plans for each job by itself.
        priority: how urgent it is, -10 to 10: a device takes the sweep of the highest first.
        deadline_unix_ms: when it should have ended, ms since 1970 UTC; None is no time. Of a
            person's sweeps of one priority a device takes that of the earliest first.
        fresh: whether what was measured alike before is measured again.
        paced_fps: frames a second, one inference for each behind those back to back; 0 is none.
        accelerators: Paddle Lite's files for these besides, where devices have them.
        race: None measures every job alike; else who has lost is measured no more.
    """

    backbones: tuple[str, ...]
    devices: tuple[str, ...]
    runtimes: tuple[Runtime, ...]
    threads: tuple[int, ...]
    weights: WeightsKind
    fewest_repetitions: int
    most_repetitions: int
    relative_half_width: float
    time_budget_ms: int
    precisions: tuple[Precision, ...] = ()
    input_sizes: tuple[ImageSize, ...] = ()
    batches: tuple[int, ...] = ()
    cores: Cores = Cores()
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()
    sustained_minutes: int = 0
    sentinel: bool = False
    name: str = ""
    time_ms: int | None = None
    priority: int = 0
    deadline_unix_ms: int | None = None
    fresh: bool = False
    paced_fps: float = 0.0
    accelerators: tuple[Target, ...] = ()
    race: Race | None = None


@dataclass(frozen=True, kw_only=True)
class StartedSweep:
    """A sweep that was started.

    Attributes:
        sweep_id: unique id.
        job_count: its jobs, sentinels not counted.
        left_out: what was left out, since a device cannot do it.
        measured_before: how many jobs more it would have had; their figures are there, and its too.
    """

    sweep_id: str
    job_count: int
    left_out: tuple[Reason, ...] = ()
    measured_before: int = 0


class ActivityKind(Enum):
    """What goes on: with a conversion, or on a device."""

    FETCHING_WEIGHTS = "fetching_weights"
    CONVERTING = "converting"
    STARTING = "starting"
    FETCHING_ARTIFACT = "fetching_artifact"
    WAITING = "waiting"
    MEASURING = "measuring"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What goes on now, for those who watch.

    Attributes:
        kind: what is done.
        backbone: what it is done with.
        done_bytes: of weights, bytes.
        total_bytes: of weights, bytes; 0 is not known.
        step: of a conversion, in the converters' words: `parity_onnx`.
        device: where it is measured; empty for a conversion.
        runtime: what measures it; None for a conversion.
        ordinal: which repetition, from 0.
        is_profile: whether operators are timed.
        waiting_for: what a start waits for; None when it waits for nothing.
        waits_at_most_ms: how long this start may wait, ms; 0 when it waits for nothing.
        is_again: whether a conversion makes what was stored before and is damaged.
    """

    kind: ActivityKind
    backbone: str
    done_bytes: int = 0
    total_bytes: int = 0
    step: str = ""
    device: str = ""
    runtime: Runtime | None = None
    ordinal: int = 0
    is_profile: bool = False
    waiting_for: Reason | None = None
    waits_at_most_ms: int = 0
    is_again: bool = False


@dataclass(frozen=True, kw_only=True)
class Pause:
    """That a sweep gives out no turns until it is resumed.

    Attributes:
        by: the token of who paused it; empty where nobody was asked for one.
        since_unix_ms: when, ms since 1970 UTC.
    """

    by: str
    since_unix_ms: int


@dataclass(frozen=True, kw_only=True)
class SweepSnapshot:
    """How far a sweep is.

    Attributes:
        sweep_id: unique id.
        phase: where it is in its life.
        artifacts_total: artifacts that the sweep needs.
        artifacts_done: of those, ready, refused, failed, or checked and not kept.
        jobs_total: jobs of the sweep.
        jobs_queued: of those, waiting.
        jobs_running: of those, being measured.
        ended: every job that ended; on a stream, those since its last snapshot.
        activities: what goes on now.
        repetitions_total: repetitions of all jobs and sentinels that were taken or are to be; more
            are added while intervals are wider than wanted.
        repetitions_done: those that were taken.
        jobs_with_figures: jobs and sentinels of which a repetition was taken, so that there is a
            first figure.
        underway: jobs that go on to be measured, as far as they are known; on a stream, those of
            which a repetition was taken since its last snapshot, or the last of them.
        paused: None unless it gives out no turns.
        held_up: devices that its jobs wait for, since these take none.
        left_out: what was left out of what was asked for, since a device cannot do it; on a stream,
            in its first snapshot only.
        still_racing: candidates that may still change the answer of a race; None before its first
            round ended, and of no race.
        absent: names of devices that its jobs wait for and that are not connected, while none of
            its jobs is measured; at most ten.
    """

    sweep_id: str
    phase: SweepPhase
    artifacts_total: int
    artifacts_done: int
    jobs_total: int
    jobs_queued: int
    jobs_running: int
    ended: tuple[JobOutcome, ...] = ()
    activities: tuple[Activity, ...] = ()
    repetitions_total: int = 0
    repetitions_done: int = 0
    jobs_with_figures: int = 0
    underway: tuple[JobOutcome, ...] = ()
    paused: Pause | None = None
    held_up: tuple[HeldUp, ...] = ()
    left_out: tuple[Reason, ...] = ()
    still_racing: int | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SweepSummary:
    """A sweep in a list of them.

    Attributes:
        sweep_id: unique id.
        name: what a person calls it; empty is nothing. Several may have the same.
        phase: where it is in its life.
        created_at_unix_ms: when it was started, ms since 1970 UTC.
        ended_at_unix_ms: when it ended or was cancelled, ms since 1970 UTC; None while it runs.
        devices: names of those that it measures on.
        jobs_total: its jobs, sentinels not counted.
        jobs_ended: of those, measured, failed or cancelled.
        jobs_failed: of those, failed.
        is_profile: whether operators are timed, so that it gives no measurement.
        jobs_measured_before: jobs that it did not need, since figures of before are its too.
        priority: how urgent it is, -10 to 10.
        deadline_unix_ms: when it should have ended, ms since 1970 UTC; None is no time.
        started_by: the token of who started it; empty where nobody was asked for one.
        retry_of: the sweep whose jobs it does that were not done; empty for none.
        paused: None unless it gives out no turns.
    """

    sweep_id: str
    name: str
    phase: SweepPhase
    created_at_unix_ms: int
    ended_at_unix_ms: int | None = None
    devices: tuple[str, ...]
    jobs_total: int
    jobs_ended: int
    jobs_failed: int
    is_profile: bool
    jobs_measured_before: int = 0
    priority: int = 0
    deadline_unix_ms: int | None = None
    started_by: str = ""
    retry_of: str = ""
    paused: Pause | None = None


def planned_time_ms(spec: SweepSpec, jobs: int) -> int:
    """How long a device is expected to measure for a sweep, ms; waiting is not counted.

    Args:
        spec: what was asked for.
        jobs: how many there are on the device.
    """
    if spec.time_ms is not None:
        return spec.time_ms
    sustained_ms = spec.fewest_repetitions * spec.sustained_minutes * _MS_PER_MINUTE
    return jobs * max(job_time_ms(spec, spec.fewest_repetitions), sustained_ms)


def job_time_ms(spec: SweepSpec, repetitions: int) -> int:
    """What so many processes of a job may take together, ms, those on a clock their time there."""
    return JOB_TIME_MS + repetitions * paced_ms(spec.paced_fps, spec.time_budget_ms)


@dataclass(frozen=True, kw_only=True)
class CancelledSweep:
    """The phase of a sweep after somebody cancelled it: ENDED for one that had ended before."""

    phase: SweepPhase


MAX_MINUTES = 60
MAX_THREADS = 256
MIN_FPS = 1
MAX_FPS = 240
# Of one sweep: every backbone on a thousand devices in three settings.
MAX_JOBS = 1_000_000
# At its beginning: as many jobs three times.
MAX_TURNS = 3_000_000
MAX_REPETITIONS = 20
MAX_NAME_LENGTH = 64
# And as much below 0.
MAX_PRIORITY = 10
MIN_TIME_BUDGET_MS = 100
MAX_TIME_BUDGET_MS = 600_000
# A week.
MAX_SWEEP_TIME_MS = 604_800_000
MAX_RELATIVE_HALF_WIDTH = 0.5
# No processor works at a higher one.
MAX_CELSIUS = 120
MAX_START_DEADLINE_MS = 3_600_000
