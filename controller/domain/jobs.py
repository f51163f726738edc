"""Jobs, their turns and attempts, and the states that they may come to."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from models.catalog.variants import Variant
from protos.measuring import MeasureSettings

MAX_ATTEMPTS = 3


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

    QUEUED = "queued"
    LEASED = "leased"
    TAKEN = "taken"
    # The device was not as its start gate wants it, and the job has others.
    NOT_READY = "not_ready"
    # Its job ended without it.
    DROPPED = "dropped"


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
        return self.state in (TurnState.QUEUED, TurnState.LEASED)


@dataclass(frozen=True, kw_only=True)
class OpenJob:
    """A job of a sweep on a device that has not ended, sentinels not counted."""

    job_id: str
    turns: tuple[Turn, ...]

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
        return self.spent_ms / max(1, sum(not turn.is_open for turn in self.turns))


@dataclass(frozen=True)
class PlannedJob:
    """One variant on one device with one setting."""

    device_id: str
    variant: Variant
    settings: MeasureSettings
    is_sentinel: bool = False
