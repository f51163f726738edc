"""Which backbone is best under which constraints."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings.certainty import Certainty
from controller.domain.rankings.limits import (
    Bound,
    Criterion,
    Limit,
    LimitEffect,
    check_front,
    check_limits,
)
from controller.domain.sweeps import MAX_FPS, MIN_FPS, SweepSpec
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.reasons import Reason
from protos.runtimes import Runtime

WITH_FIGURES: Final = (Verdict.OK, Verdict.WIDE, Verdict.DISTURBED, Verdict.THROTTLED)
"""Verdicts of what has figures, the best first."""

DOUBTFUL: Final = (Verdict.DISTURBED, Verdict.THROTTLED)
"""Verdicts of figures that may be off by more than their intervals tell."""

MOST_BACKBONES: Final = 12
"""How many names a suggested sweep lists at most, unless it is of a tier."""


FIRST_LISTED: Final = 50
"""So many of those that lost are listed unless all are asked for, and of what is left out."""

MOST_LATENCY_TIES: Final = 20
"""So many of those that a candidate cannot be told apart from by latency are named with it."""

MOST_SURE: Final = 5_000
"""Among so many candidates it can be asked which one is surely the first."""


class Merit(Enum):
    """By what the winner is chosen, of those that satisfy the constraints."""

    LATENCY = "latency"
    """The lowest median latency, whether or not the accuracy is known."""
    ACCURACY = "accuracy"
    """The highest top-1."""
    MEMORY = "memory"
    """The lowest peak memory, whether or not the accuracy is known."""
    VALUE = "value"
    """The knee of the Pareto front: the farthest above the line from its fastest to its most
    accurate, with latency on a logarithmic scale."""


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What was asked for; None is no constraint.

    Attributes:
        max_latency_ms: upper end of the median's interval at most, ms.
        max_memory_bytes: peak memory above the baseline at most, bytes.
        min_top1: top-1 at least, percent.
        tier: only backbones of this tier.
        runtime: only this runtime.
        threads: only this number of threads.
        only: the only verdicts that count; without any, all that have figures do, the doubtful ones
            where there is nothing better of the same setting.
        at_minute: only sustained measurements, by their figures of this minute.
        by: by what the winner is chosen; None is what the other constraints suggest.
        include_emulated: whether figures of emulated devices are ranked.
        paced_fps: only what was measured on a clock of so many frames a second, by its figures
            there.
        limits: on further figures, or the same.
        series: only backbones of these series; none is no constraint.
        distilled: only weights that do, or do not, come from knowledge distillation.
        extra_data: only weights that did, or did not, see images beyond ImageNet-1k.
        precision: only this precision.
        confidence: how sure the winner has to be the first, a fraction; None names the first
            whatever the intervals say.
        front: the figures of the Pareto front; none is median latency and top-1.
    """

    max_latency_ms: float | None = None
    max_memory_bytes: int | None = None
    min_top1: float | None = None
    tier: Tier | None = None
    runtime: Runtime | None = None
    threads: int | None = None
    only: tuple[Verdict, ...] = ()
    at_minute: int | None = None
    by: Merit | None = None
    include_emulated: bool = False
    paced_fps: float | None = None
    limits: tuple[Limit, ...] = ()
    series: tuple[str, ...] = ()
    distilled: bool | None = None
    extra_data: bool | None = None
    precision: Precision | None = None
    confidence: float | None = None
    front: tuple[Criterion, ...] = ()

    @property
    def every_limit(self) -> tuple[Limit, ...]:
        """All limits on figures, those that have a field of their own among them."""
        own = (
            (Criterion.LATENCY, Bound.AT_MOST, self.max_latency_ms),
            (Criterion.MEMORY, Bound.AT_MOST, self.max_memory_bytes),
            (Criterion.TOP1, Bound.AT_LEAST, self.min_top1),
        )
        named = (
            Limit(criterion=criterion, bound=bound, value=value)
            for criterion, bound, value in own
            if value is not None
        )
        return (*named, *self.limits)

    @property
    def preference(self) -> tuple[frozenset[Verdict], ...]:
        """Verdicts that count, the preferred ones first, those of one set alike."""
        return (frozenset(self.only),) if self.only else self.preference_without_only

    @property
    def preference_without_only(self) -> tuple[frozenset[Verdict], ...]:
        """What `preference` is where `only` names none."""
        doubtful = frozenset(self.doubtful)
        return frozenset(WITH_FIGURES) - doubtful, doubtful

    @property
    def doubtful(self) -> tuple[Verdict, ...]:
        """Verdicts of figures that may be off by more than their intervals tell.

        Of one minute, throttled is none: how slow the device was by then is what is asked.
        """
        return DOUBTFUL if self.at_minute is None else (Verdict.DISTURBED,)

    @property
    def merit(self) -> Merit:
        """By what the winner is chosen.

        Unless `by` says so: within a limit on what a candidate costs the most accurate; with an
        accuracy or a confidence asked for alone the fastest; else the best value.
        """
        if self.by is not None:
            return self.by
        limits = self.every_limit
        if any(limit.bound is Bound.AT_MOST for limit in limits):
            return Merit.ACCURACY
        return Merit.LATENCY if limits or self.confidence is not None else Merit.VALUE

    @property
    def needs_accuracy(self) -> bool:
        """Whether only what has a known accuracy can be ranked."""
        is_limited = any(limit.criterion is Criterion.TOP1 for limit in self.every_limit)
        return is_limited or self.merit in (Merit.ACCURACY, Merit.VALUE)


def check_constraints(constraints: Constraints) -> None:
    """Refuse constraints that no figure can be of.

    Raises:
        EdgerankError: INVALID_INPUT for a minute and a clock at once, for a clock that no sweep
            may have, or for a limit, a front or a confidence that there is none of.
    """
    check_limits(constraints.every_limit)
    check_front(constraints.front)
    _check_confidence(constraints)
    fps = constraints.paced_fps
    if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"frames come {MIN_FPS} to {MAX_FPS} times a second, not {fps:g}",
        )
    if fps is not None and constraints.at_minute is not None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "nothing is measured for minutes and on a clock at once; ask for a minute or for "
            "frames a second",
        )


def _check_confidence(constraints: Constraints) -> None:
    confidence = constraints.confidence
    if confidence is None:
        return
    if not 0.5 <= confidence < 1:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"a confidence is from 50 % to less than 100 %, not {100 * confidence:g} %",
        )
    if constraints.merit not in (Merit.LATENCY, Merit.ACCURACY):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"by {constraints.merit.value} no confidence can be told; ask by latency or accuracy",
        )
    if constraints.at_minute is not None or constraints.paced_fps is not None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "a confidence is told of inference back to back only; ask without a minute or a clock",
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A measured candidate and what became of it.

    Attributes:
        measurement: what it was measured at, without raw samples.
        on_pareto_front: whether it is on the front.
        latency_ties: ids of the measurements whose latency intervals overlap this one's, at most
            20, of more those with the nearest medians.
        latency_tie_count: how many there are.
        lost_because: why it is not the winner; empty for the winner.
        first_by: by what it is the first of those that satisfy the constraints.
        rank_low: its best place among those that satisfy the constraints, by the merit and the
            intervals, from 1; 0 where it does not satisfy them.
        rank_high: its worst place likewise.
    """

    measurement: Measurement
    on_pareto_front: bool
    latency_ties: tuple[str, ...] = ()
    latency_tie_count: int = 0
    lost_because: tuple[Reason, ...] = ()
    first_by: tuple[Merit, ...] = ()
    rank_low: int = 0
    rank_high: int = 0


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What was measured and is not ranked, and why.

    Attributes:
        measurement: without raw samples; its `top1` is None where no accuracy is known.
        reasons: why: it failed, its verdict does not count, a newer one does, no accuracy is known,
            or its device is emulated; those of its verdict included.
        is_held_back: whether it would be ranked if `only` of the constraints named no verdict.
    """

    measurement: Measurement
    reasons: tuple[Reason, ...] = ()
    is_held_back: bool = False


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Which backbone is best on a device under constraints, and why the others are not.

    Attributes:
        device: name of the device.
        constraints: what was asked for.
        winner: None when none satisfies the constraints.
        ties: candidates that cannot be told apart from the winner.
        pareto_front: candidates within the constraints that no other beats in both top-1 and
            median latency, or in all figures of the constraints' `front`, fastest first; of the
            former the winner is one unless it is chosen by memory.
        others: every other candidate, fastest first, or the first of them.
        left_out: measurements that are not ranked, or the first of them.
        unmeasured: backbones that qualify by their accuracy and have no figures on this device;
            listed when there is no winner or a tier was asked for.
        suggested_sweep: without a winner: the sweep that would measure what is missing, or measure
            again what only its verdict keeps from winning; None when there is a winner or nothing
            is missing.
        accuracy_dataset: dataset whose accuracy counted.
        merit: by what the winner is chosen.
        would_win_with: without a winner: verdicts that there would be one with, if `only` of the
            constraints named them, too.
        other_count: how many others there are in all.
        left_out_count: how many measurements are not ranked in all.
        limit_effects: without a winner: what each constraint excludes of what was measured.
        certainty: where a confidence was asked for: what may be the first at that.
    """

    device: str
    constraints: Constraints
    winner: Candidate | None = None
    ties: tuple[Candidate, ...] = ()
    pareto_front: tuple[Candidate, ...] = ()
    others: tuple[Candidate, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unmeasured: tuple[str, ...] = ()
    suggested_sweep: SweepSpec | None = None
    accuracy_dataset: str = IMAGENET
    merit: Merit = Merit.VALUE
    would_win_with: tuple[Verdict, ...] = ()
    other_count: int = 0
    left_out_count: int = 0
    limit_effects: tuple[LimitEffect, ...] = ()
    certainty: Certainty | None = None
