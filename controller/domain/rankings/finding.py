"""What a race found: an answer, and what it rests on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict
from controller.domain.rankings import Ranking
from controller.domain.rankings.predicted import PredictedFigure, PredictedSetting
from controller.domain.rankings.predictions import EarlierErrors
from controller.domain.sweeps import SweepSnapshot
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import Reason, ReasonCode
from protos.runtimes import Runtime

_UNMADE: Final = frozenset({ReasonCode.NO_ARTIFACT, ReasonCode.WEIGHTS_UNAVAILABLE})


@dataclass(frozen=True, kw_only=True)
class OnlyPredicted:
    """A candidate that was not measured.

    Attributes:
        backbone: its name.
        runtime: what would measure it.
        threads: with so many.
        latency_ms: the median that it is expected to have, with its interval.
        may_change_answer: whether it would, at the better end of its interval.
        precision: in which one.
    """

    backbone: str
    runtime: Runtime
    threads: int
    latency_ms: PredictedFigure
    may_change_answer: bool
    precision: Precision = Precision.FP32


@dataclass(frozen=True, kw_only=True)
class JudgedSetting:
    """How far off a race's own predictions were in one setting.

    Attributes:
        runtime: of the setting.
        threads: of the setting.
        precision: likewise.
        errors: of candidates that it predicted, and measured then.
    """

    runtime: Runtime
    threads: int
    errors: EarlierErrors
    precision: Precision = Precision.FP32


@dataclass(frozen=True, kw_only=True)
class Found:
    """The answer of a race.

    Attributes:
        sweep_id: of the sweep that measured it.
        ranking: the device's figures ranked under the limits, those of before as well.
        lost: jobs that left the race, each with why and the figures that it had; here and below
            those that were measured before and stand for candidates are among them.
        undecided: jobs of which more time would tell whether they are of the answer.
        decided: the other jobs that were measured.
        failed: jobs without figures: the answer does not rest on them.
        predicted: candidates that were not measured, the fastest first; nothing rests on these
            figures but that they were not needed.
        unmeasured_count: how many candidates were not measured in all, predicted or not.
        earlier_count: of how many of these an earlier sweep has figures: they are ranked, and the
            race did without new ones.
        judged: how far off predictions were of candidates that this race measured then; of
            settings with any, and only where a candidate was not measured.
        left_out: what did not race of what was asked for, and why.
    """

    sweep_id: str
    ranking: Ranking
    lost: tuple[JobOutcome, ...]
    undecided: tuple[JobOutcome, ...]
    decided: tuple[JobOutcome, ...]
    failed: tuple[JobOutcome, ...]
    predicted: tuple[OnlyPredicted, ...] = ()
    unmeasured_count: int = 0
    earlier_count: int = 0
    judged: tuple[JudgedSetting, ...] = ()
    left_out: tuple[Reason, ...] = ()

    @property
    def measured(self) -> tuple[JobOutcome, ...]:
        """The candidates that have figures."""
        return (*self.lost, *self.undecided, *self.decided)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that raced, as far as they were measured or predicted."""
        raced = {each.precision for each in (*self.measured, *self.failed)}
        raced |= {each.precision for each in self.predicted}
        return tuple(each for each in Precision if each in raced)

    @property
    def is_won_from_outside(self) -> bool:
        """Whether the winner's figure is an earlier one, of no job of the race."""
        if self.ranking.winner is None:
            return False
        of_race = {each.job_id for each in (*self.measured, *self.failed)}
        return self.ranking.winner.measurement.job_id not in of_race

    @property
    def has_winner_failed(self) -> bool:
        """Whether the winner failed in the race, and wins by an earlier figure."""
        return any(self._is_of_winner(each) for each in self.failed)

    @property
    def not_rested_on(self) -> tuple[JobOutcome, ...]:
        """Those that failed, but for the winner: the answer rests on its earlier figure."""
        return tuple(each for each in self.failed if not self._is_of_winner(each))

    @property
    def is_open(self) -> bool:
        """Whether more time may change the answer."""
        return bool(self.undecided or self.untold_count) or any(
            each.may_change_answer for each in self.predicted
        )

    @property
    def untold_count(self) -> int:
        """Of how many that were not measured nothing is known or predicted."""
        return max(0, self.unmeasured_count - len(self.predicted) - self.earlier_count)

    def _is_of_winner(self, outcome: JobOutcome) -> bool:
        """Whether an outcome goes by the same names as the winner."""
        if self.ranking.winner is None:
            return False
        won = self.ranking.winner.measurement
        return _candidate(outcome) == (won.backbone, won.runtime, won.threads, won.precision)


def found_by(
    sweep: SweepSnapshot,
    ranking: Ranking,
    unmeasured_count: int = 0,
    predicted: Sequence[OnlyPredicted] = (),
    before: Sequence[JobOutcome] = (),
    *,
    earlier_count: int = 0,
    settings: Sequence[PredictedSetting] = (),
) -> Found:
    """Put together what a race found, once its sweep has ended.

    Args:
        sweep: of the race.
        ranking: the answer.
        unmeasured_count: how many candidates were not measured.
        predicted: those of them of which anything is predicted.
        before: candidates whose figures of an earlier sweep stand for them.
        earlier_count: how many that were not measured have figures of an earlier sweep.
        settings: those of the race, with how far off predictions were of what it measured then.
    """
    lost: list[JobOutcome] = []
    undecided: list[JobOutcome] = []
    decided: list[JobOutcome] = []
    failed: list[JobOutcome] = []
    for outcome in (*before, *sweep.ended):
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
        ranking=_with_weights(ranking, {each.weights for each in (*before, *sweep.ended)}),
        lost=tuple(lost),
        undecided=tuple(undecided),
        decided=tuple(decided),
        failed=tuple(failed),
        predicted=tuple(sorted(predicted, key=lambda each: each.latency_ms.value)),
        unmeasured_count=unmeasured_count,
        earlier_count=min(earlier_count, unmeasured_count),
        judged=tuple(
            JudgedSetting(
                runtime=each.runtime,
                threads=each.threads,
                precision=each.precision,
                errors=each.earlier_errors,
            )
            for each in settings
            if each.earlier_errors is not None
        ),
        left_out=sweep.left_out,
    )


def count_earlier(
    settings: Sequence[PredictedSetting],
    backbones: Collection[str],
    raced: Sequence[JobOutcome],
    left_out: Iterable[Reason] = (),
) -> int:
    """Count the candidates that earlier sweeps measured and a race did not.

    Args:
        settings: those of the race, with all that was measured in each.
        backbones: names of all that were to race.
        raced: the jobs that the race has, or that stand for some of it.
        left_out: what did not race, and why.
    """
    unraced = _unraced(left_out)
    here = {_candidate(each) for each in raced if not each.is_sentinel}
    return sum(
        (each.backbone, setting.runtime, setting.threads, setting.precision) not in here
        for setting in settings
        for each in setting.measured
        if each.backbone in backbones and (each.backbone, setting.precision.value) not in unraced
    )


def _unraced(left_out: Iterable[Reason]) -> frozenset[tuple[str, str]]:
    """Names of backbones, each with the precision in which nobody knows its top-1."""
    return frozenset(
        (name, each.words["precision"])
        for each in left_out
        if each.code is ReasonCode.RACE_WITHOUT_ACCURACY
        for name in each.words["backbones"].split(", ")
    )


def _candidate(outcome: JobOutcome) -> tuple[str, Runtime, int, Precision]:
    return outcome.backbone, outcome.runtime, outcome.threads, outcome.precision


def _with_weights(ranking: Ranking, raced: Collection[WeightsKind]) -> Ranking:
    """The ranking whose sweep for what is missing goes on with the weights of the race.

    What is measured again keeps its own.
    """
    kinds = {*raced} - {WeightsKind.OWN}
    if ranking.suggested_sweep is None or ranking.would_win_with or len(kinds) != 1:
        return ranking
    return replace(ranking, suggested_sweep=replace(ranking.suggested_sweep, weights=kinds.pop()))


def only_predicted(
    settings: Sequence[PredictedSetting], ranking: Ranking, ended: Sequence[JobOutcome] = ()
) -> list[OnlyPredicted]:
    """Say which candidates were not measured, and which of them may change an answer.

    What failed is none of them in its own setting, and in its whole runtime, in that precision,
    where there is no file to measure: more time would tell nothing of it.

    Args:
        settings: those of the race.
        ranking: the answer.
        ended: jobs of the race.
    """
    failed = [each for each in ended if each.verdict is Verdict.FAILED]
    tried = {_candidate(each) for each in failed if not each.is_sentinel}
    unmade = {
        (each.backbone, each.runtime, each.precision)
        for each in failed
        if not _UNMADE.isdisjoint(why.code for why in each.reasons)
    }
    return [
        OnlyPredicted(
            backbone=each.backbone,
            runtime=setting.runtime,
            threads=setting.threads,
            latency_ms=each.latency_ms,
            may_change_answer=_may_change(ranking, each.top1, each.latency_ms.low),
            precision=setting.precision,
        )
        for setting in settings
        for each in setting.predicted
        if each.top1 is not None
        and (each.backbone, setting.runtime, setting.threads, setting.precision) not in tried
        and (each.backbone, setting.runtime, setting.precision) not in unmade
    ]


def _may_change(ranking: Ranking, top1: float, latency_ms: float) -> bool:
    """Whether a candidate of this latency would be of the answer."""
    limit_ms = ranking.constraints.max_latency_ms
    if limit_ms is not None and latency_ms > limit_ms:
        return False
    if limit_ms is not None and ranking.winner is not None:
        return top1 > (ranking.winner.measurement.top1 or 0.0)
    return not any(
        (each.measurement.top1 or 0.0) >= top1
        and each.measurement.latency is not None
        and each.measurement.latency.median_ms <= latency_ms
        for each in ranking.pareto_front
    )
