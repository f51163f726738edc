"""What a race found: an answer, and what it rests on."""

from dataclasses import dataclass

from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict
from controller.domain.rankings import Ranking
from controller.domain.sweeps import SweepSnapshot
from protos.reasons import ReasonCode


@dataclass(frozen=True, kw_only=True)
class Found:
    """The answer of a race.

    Attributes:
        sweep_id: of the sweep that measured it.
        ranking: the device's figures ranked under the limits, those of before as well.
        lost: jobs that left the race, each with why and the figures that it had.
        undecided: jobs of which more time would tell whether they are of the answer.
        decided: the other jobs that were measured.
        failed: jobs without figures: the answer does not rest on them.
    """

    sweep_id: str
    ranking: Ranking
    lost: tuple[JobOutcome, ...]
    undecided: tuple[JobOutcome, ...]
    decided: tuple[JobOutcome, ...]
    failed: tuple[JobOutcome, ...]


def found_by(sweep: SweepSnapshot, ranking: Ranking) -> Found:
    """Put together what a race found, once its sweep has ended."""
    lost: list[JobOutcome] = []
    undecided: list[JobOutcome] = []
    decided: list[JobOutcome] = []
    failed: list[JobOutcome] = []
    for outcome in sweep.ended:
        codes = {each.code for each in outcome.reasons}
        if outcome.is_sentinel:
            continue
        if outcome.verdict is Verdict.FAILED:
            failed.append(outcome)
        elif ReasonCode.LOST_RACE in codes:
            lost.append(outcome)
        elif ReasonCode.RACE_UNDECIDED in codes:
            undecided.append(outcome)
        else:
            decided.append(outcome)
    return Found(
        sweep_id=sweep.sweep_id,
        ranking=ranking,
        lost=tuple(lost),
        undecided=tuple(undecided),
        decided=tuple(decided),
        failed=tuple(failed),
    )
