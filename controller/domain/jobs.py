"""Jobs: planned, their turns and attempts, the states that they may come to, how they ended."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from controller.domain.measurements import Verdict
from models.catalog.precisions import Precision
from models.catalog.variants import Target, Variant, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings, StartGate
from protos.reasons import Reason
from protos.runtimes import Runtime

MAX_ATTEMPTS = 3
MIN_WAITING_MS: Final = 60_000
_WAITING_SHARE: Final = 0.1


class JobState(Enum):
    """Where a job is in its life."""

    WAITING = "waiting"
    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(Enum):
    """Where an attempt is in its life."""

    LEASED = "leased"
    REPORTED = "reported"
    LOST = "lost"
    # Its agent ended, and said so.
    GIVEN_BACK = "given_back"
    # Its artifact did not come whole.
    UNDELIVERED = "undelivered"


JOB_TRANSITIONS = frozenset(
    {
        (JobState.WAITING, JobState.QUEUED),
        (JobState.WAITING, JobState.FAILED),
        (JobState.WAITING, JobState.CANCELLED),
        (JobState.QUEUED, JobState.LEASED),
        (JobState.QUEUED, JobState.CANCELLED),
        # A report of an attempt that was given up for lost is still a result.
        (JobState.QUEUED, JobState.DONE),
        (JobState.QUEUED, JobState.FAILED),
        # Its artifact is damaged, and made again.
        (JobState.QUEUED, JobState.WAITING),
        (JobState.LEASED, JobState.WAITING),
        # Meanwhile its device measured the copy that it has.
        (JobState.WAITING, JobState.DONE),
        (JobState.LEASED, JobState.QUEUED),
        (JobState.LEASED, JobState.DONE),
        (JobState.LEASED, JobState.FAILED),
        (JobState.LEASED, JobState.CANCELLED),
    }
)


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
OPEN = tuple(state for state in JobState if state not in ENDED)
"""The others: by name in a query, so that an index finds them."""


def may_come_from(state: JobState) -> frozenset[JobState]:
    """The states from which a job may come to `state`."""
    return frozenset(before for before, after in JOB_TRANSITIONS if after is state)


def after_loss(lost_attempts: int) -> JobState:
    """What a job becomes when one more attempt, the `lost_attempts`-th, comes to nothing."""
    return JobState.QUEUED if lost_attempts < MAX_ATTEMPTS else JobState.FAILED


# With one process, nothing tells how another would have run.
FEWEST_REPETITIONS: Final = 2


class TurnState(Enum):
    """Where one repetition of a job is in its life."""

    # Its job waits for its artifact.
    WAITING = "waiting"
    QUEUED = "queued"
    LEASED = "leased"
    TAKEN = "taken"
    # The device was not as its start gate wants it, and the job has others.
    NOT_READY = "not_ready"
    # Its job ended without it.
    DROPPED = "dropped"


OPEN_TURNS: Final = (TurnState.WAITING, TurnState.QUEUED, TurnState.LEASED)
"""Those that are still to be taken."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One repetition.

    Attributes:
        state: where it is in its life.
        block: how many readings of the sentinel came before it was taken; None until then, and of
            a reading.
        median_ms: of its samples, ms; None until it was taken.
        spent_ms: what it took from its start to its report, waiting not counted, ms.
    """

    state: TurnState
    block: int | None = None
    median_ms: float | None = None
    spent_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is still to be taken."""
        return self.state in OPEN_TURNS


@dataclass(frozen=True, kw_only=True)
class OpenJob:
    """A job of a sweep on a device that has not ended, sentinels not counted.

    Attributes:
        job_id: unique id.
        turns: its repetitions, taken or still to be.
        expected_ms: what a first one is expected to take, ms.
    """

    job_id: str
    turns: tuple[Turn, ...]
    expected_ms: float = 0.0

    @property
    def has_open_turns(self) -> bool:
        """Whether a repetition is still to be taken."""
        return any(turn.is_open for turn in self.turns)

    @property
    def medians_ms(self) -> tuple[float, ...]:
        """Of the repetitions that were taken, in order, ms."""
        return tuple(turn.median_ms for turn in self.turns if turn.median_ms is not None)

    @property
    def spent_ms(self) -> int:
        """What all of its repetitions took together, ms."""
        return sum(turn.spent_ms for turn in self.turns)

    @property
    def next_ms(self) -> float:
        """What one more is expected to take, ms: the mean of those before."""
        ended = sum(not turn.is_open for turn in self.turns)
        return self.spent_ms / ended if ended else self.expected_ms


@dataclass(frozen=True)
class PlannedJob:
    """One variant on one device with one setting."""

    device_id: str
    variant: Variant
    settings: MeasureSettings
    is_sentinel: bool = False


@dataclass(frozen=True, kw_only=True)
class PlanGroup:
    """Jobs of a planned sweep that differ in their backbones alone.

    Attributes:
        device: name of the device.
        runtime: what would measure them.
        threads: threads that the runtime is told to use.
        precision: of the artifacts.
        input_size: of the images; None where each backbone has its own.
        batch: images per inference; None where each backbone has its own.
        jobs_total: how many there are.
        jobs_measured_before: of those, measured alike before, so that they are not again.
    """

    device: str
    runtime: Runtime
    threads: int
    precision: Precision
    input_size: ImageSize | None = None
    batch: int | None = None
    jobs_total: int
    jobs_measured_before: int


@dataclass(frozen=True, kw_only=True)
class PlanEstimate:
    """How long a device is expected to measure for a planned sweep.

    Attributes:
        device: name of the device.
        jobs: those that would be measured, sentinels not counted.
        expected_ms: what they are expected to take, the sentinel's readings included, waiting
            and converting not, ms.
        known_here: of the jobs, those whose backbone was measured so on this device.
        known_elsewhere: of the others, those whose backbone was measured so on other devices.
        earlier_ratio: of sweeps that ended there, the median of what they took, with waiting, by
            what they were expected to; None where none did.
        earlier_sweeps: how many these are.
    """

    device: str
    jobs: int
    expected_ms: int
    known_here: int
    known_elsewhere: int
    earlier_ratio: float | None = None
    earlier_sweeps: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanJob:
    """A job of a planned sweep.

    Attributes:
        device: name of the device.
        backbone: name of the backbone.
        runtime: what would measure it.
        threads: threads that the runtime is told to use.
        precision: of the artifact.
        input_size: of the images.
        batch: images per inference.
        artifact_sha256: of the file that is there; empty where it would be converted.
        measurement_id: of the measurement of before that stands for it; empty where it would be
            measured.
    """

    device: str
    backbone: str
    runtime: Runtime
    threads: int
    precision: Precision
    input_size: ImageSize
    batch: int
    artifact_sha256: str = ""
    measurement_id: str = ""


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """What a sweep would measure, sentinels not counted.

    Attributes:
        jobs_total: every job of what is asked for.
        jobs_measured_before: of those, measured alike before, so that they are not again.
        groups: the jobs by device, runtime and settings.
        estimates: how long each device that would measure is expected to.
        artifacts_total: files that the jobs need which would be measured, and their sentinels.
        artifacts_stored: of those, there.
        backbones_to_convert: those that the other files are of, sorted.
        left_out: what would be left out, and why.
        jobs: each job; empty unless asked for.
    """

    jobs_total: int = 0
    jobs_measured_before: int = 0
    groups: tuple[PlanGroup, ...] = ()
    estimates: tuple[PlanEstimate, ...] = ()
    artifacts_total: int = 0
    artifacts_stored: int = 0
    backbones_to_convert: tuple[str, ...] = ()
    left_out: tuple[Reason, ...] = ()
    jobs: tuple[PlanJob, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """A job that ended.

    Attributes:
        job_id: unique id.
        device: name of the device.
        backbone: name of the backbone.
        runtime: what measured it.
        threads: threads that the runtime was told to use.
        weights: where they come from; what was asked for where there is no artifact.
        precision: of the artifact.
        input_size: of the images.
        batch: images per inference.
        verdict: how far its figures can be trusted.
        reasons: why the verdict is not ok; of an ok one what it does not tell.
        median_ms: median latency, ms; None where there is none.
        low_ms: lower bound of the median's 95 % interval, ms; None where there is no figure.
        high_ms: its upper bound, ms.
        is_sentinel: whether it was read between the others to tell a device that drifts; it is not
            ranked.
        emulator: what computed in the device's place; empty where nothing did.
        target: what its file is made for.
    """

    job_id: str
    device: str
    backbone: str
    runtime: Runtime
    threads: int
    weights: WeightsKind
    precision: Precision
    input_size: ImageSize
    batch: int
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    median_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    is_sentinel: bool = False
    emulator: str = ""
    target: Target = Target.ANY


def waiting_limit_ms(planned_ms: int) -> int:
    """How long all starts of a sweep on a device may wait together, ms: a tenth of its time, 60 s.

    The larger of the two.
    """
    return max(MIN_WAITING_MS, round(_WAITING_SHARE * planned_ms))


def limited(gate: StartGate, left_ms: int) -> StartGate:
    """The gate of a start when the starts of its sweep may wait so much longer, ms; below 0 is 0.

    With nothing left it looks once. A strict gate keeps its deadline: to go on is no choice there.
    """
    if gate.is_strict or gate.deadline_ms <= left_ms:
        return gate
    return replace(gate, deadline_ms=max(0, left_ms))
