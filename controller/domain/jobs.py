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
    """What a job becomes when one more attempt, the `lost_attempts`-th, is lost."""
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
    """One repetition; `block` counts the readings before it was taken."""

    state: TurnState
    block: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be taken."""
        return self.state in (TurnState.QUEUED, TurnState.LEASED)


@dataclass(frozen=True, kw_only=True)
class OpenJob:
    """A job of a sweep on a device that has not ended; `repetitions` is how many were asked for."""

    job_id: str
    is_sentinel: bool
    repetitions: int
    turns: tuple[Turn, ...]

    @property
    def has_open_turns(self) -> bool:
        """Whether a repetition is still to be taken."""
        return any(turn.is_open for turn in self.turns)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The sentinel's median at one moment, by its 95 % interval."""

    low_ms: float
    high_ms: float


@dataclass(frozen=True)
class PlannedJob:
    """One variant on one device with one setting."""

    device_id: str
    variant: Variant
    settings: MeasureSettings
    is_sentinel: bool = False
