"""Which backbone is best under which constraints."""

from dataclasses import dataclass
from typing import Final

from controller.domain.measurements import Measurement, Verdict
from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import IMAGENET
from models.catalog.tiers import Tier
from protos.reasons import Reason
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What a winner must satisfy; None is no constraint.

    Only measurements whose verdict is ok count, and those with one that `include` names. With
    `at_minute`, sustained measurements are ranked by their figures of that minute.
    """

    max_latency_ms: float | None = None
    max_memory_bytes: int | None = None
    min_top1: float | None = None
    tier: Tier | None = None
    runtime: Runtime | None = None
    threads: int | None = None
    include: tuple[Verdict, ...] = ()
    at_minute: int | None = None

    @property
    def admitted(self) -> frozenset[Verdict]:
        """Every verdict that counts.

        Of one minute, throttled counts too: how slow the device was by then is what is asked.
        """
        of_a_minute = () if self.at_minute is None else (Verdict.THROTTLED,)
        return frozenset({Verdict.OK, *self.include, *of_a_minute})

    @property
    def wants_fastest(self) -> bool:
        """Whether the winner is the fastest that is accurate enough, else the most accurate."""
        return (
            self.min_top1 is not None
            and self.max_latency_ms is None
            and self.max_memory_bytes is None
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A measured candidate and what became of it.

    Attributes:
        latency_ties: ids of the measurements whose latency intervals overlap this one's.
        lost_because: empty for the winner.
    """

    measurement: Measurement
    on_pareto_front: bool
    latency_ties: tuple[str, ...] = ()
    lost_because: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What was measured and does not count, and why: all of it, the verdict's reasons included."""

    measurement: Measurement
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Which backbone is best on a device under constraints, and why the others are not.

    Without a winner, `would_win_with` holds the verdicts whose inclusion would give one.
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
    would_win_with: tuple[Verdict, ...] = ()


INCLUDABLE: Final = (Verdict.NOISY, Verdict.UNSTABLE, Verdict.THROTTLED)
"""Verdicts of figures that count only where a person includes them, the mildest first."""
