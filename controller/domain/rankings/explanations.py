"""Why a backbone is where it is in a ranking, and what it would need to be elsewhere."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from controller.domain.measurements import Measurement
from controller.domain.rankings import Candidate, Constraints, LeftOut, Merit
from controller.domain.rankings.limits import Bound, Criterion
from models.catalog.catalog import IMAGENET

MOST_RIVALS: Final = 10
"""How many of those that beat a backbone are told at most."""


@dataclass(frozen=True, kw_only=True)
class ExplainQuestion:
    """Of which backbone it is asked why.

    Attributes:
        backbone: its name.
        device: only there; None is every device that measured it.
        constraints: as for a ranking.
        accuracy_dataset: whose accuracy counts.
    """

    backbone: str
    device: str | None = None
    constraints: Constraints = field(default_factory=Constraints)
    accuracy_dataset: str = IMAGENET


class Goal(Enum):
    """What something is needed for."""

    WITHIN = "within"
    """To satisfy the constraints."""
    FRONT = "front"
    """To be on the Pareto front."""
    WIN = "win"
    """To be the first by the merit."""


@dataclass(frozen=True, kw_only=True)
class Lack:
    """What a backbone would need of one figure, all else as it is.

    Attributes:
        goal: what for.
        criterion: the figure.
        bound: which way.
        value: what it has to reach for a limit; what it has to be better than, or for the most
            accurate at least equal to, for the others; in the criterion's unit.
        has: what it has; None where it is not known.
    """

    goal: Goal
    criterion: Criterion
    bound: Bound
    value: float
    has: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What beats a backbone: the winner, and what is nowhere worse and somewhere better.

    Attributes:
        measurement: of the rival, without raw samples.
        better_in: figures in which it is better.
        surely_in: of these, in which it is whatever the intervals say.
        latency_ratio: the backbone's median over the rival's; above 1 the rival is faster.
        latency_ratio_low: lower end of its 95 % interval.
        latency_ratio_high: upper end of the same.
        top1_points: the rival's top-1 above the backbone's, percent; None where one is not known.
        memory_bytes: what the backbone's peak is above the rival's; None likewise.
    """

    measurement: Measurement
    better_in: tuple[Criterion, ...]
    surely_in: tuple[Criterion, ...]
    latency_ratio: float
    latency_ratio_low: float
    latency_ratio_high: float
    top1_points: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a backbone is where it is on one device.

    Attributes:
        device: name of the device.
        backbone: its name.
        constraints: what was asked for.
        candidate: its best setting there; None where none is ranked.
        candidate_count: how many satisfy the constraints.
        winner: the first by the merit; None where nothing qualifies.
        rivals: what beats it, the winner first, then the fastest; at most 10.
        rival_count: how many there are in all.
        lacks: what it would need, one figure at a time.
        left_out: its measurements that are not ranked.
        accuracy_dataset: dataset whose accuracy counted.
        merit: by what the winner is chosen.
    """

    device: str
    backbone: str
    constraints: Constraints
    candidate: Candidate | None = None
    candidate_count: int = 0
    winner: Measurement | None = None
    rivals: tuple[Rival, ...] = ()
    rival_count: int = 0
    lacks: tuple[Lack, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    accuracy_dataset: str = IMAGENET
    merit: Merit = Merit.VALUE


@dataclass(frozen=True, kw_only=True)
class Explanations:
    """Why a backbone is where it is, device by device.

    Attributes:
        on_devices: each that was asked for, or that measured it.
    """

    on_devices: tuple[Explanation, ...] = ()
