"""Which backbone is best on a device: a pure function of its measurements and the constraints."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import (
    WITH_FIGURES,
    Candidate,
    Constraints,
    LeftOut,
    Merit,
    Ranking,
)
from controller.domain.rankings.limits import Criterion, figure_of
from controller.domain.sweeps import SweepSpec
from controller.figures.minutes import at_minute
from controller.figures.pacing import at_pace
from controller.ranking.entries import Entry, held_back, select_entries, set_aside
from controller.ranking.losing import behind, tied
from controller.ranking.merits import front_of, leaders, preference, ties_with
from controller.ranking.pareto import pareto_front_by
from controller.ranking.requirements import breaches, effects, exclusions, requirements
from controller.ranking.standing.places import Places, places
from controller.ranking.suggestion import (
    suggest_repeat,
    suggest_sweep,
    unmeasured_backbones,
    weights_in_use,
)
from models.catalog.catalog import IMAGENET, Backbone, Catalog
from models.catalog.tiers import select_tier
from protos.reasons import Reason
from protos.runtimes import Runtime


@dataclass(frozen=True, slots=True)
class DatasetAccuracy:
    """The top-1 of backbones on a dataset as they come, percent, by name."""

    dataset: str
    top1: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Firsts:
    """Who is the first by which merit, and by which one the winner is chosen."""

    merit: Merit
    by: Mapping[Merit, Entry]

    @property
    def winner(self) -> Entry | None:
        """The first by the merit that counts; None where nothing qualifies."""
        return self.by.get(self.merit)


def rank(
    device: str,
    measurements: Sequence[Measurement],
    constraints: Constraints,
    catalog: Catalog,
    runtimes: Sequence[Runtime] = tuple(Runtime),
    *,
    accuracy: DatasetAccuracy | None = None,
) -> Ranking:
    """Rank a device's measurements under constraints.

    The winner is the first by `Constraints.merit`. The Pareto front holds the candidates within the
    constraints that no other beats in both top-1 and median latency, by points and not intervals.

    Args:
        device: name of the device; measurements of others do not count.
        measurements: oldest first: of a candidate's, the last with a most preferred verdict counts.
        constraints: `runtime`, `threads`, `precision` and `only` say what is looked at,
            `at_minute` and `paced_fps` what was measured so, by its figures there, the others what
            may win. A confidence is not looked at here: it takes samples.
        catalog: where tiers and backbones that were not measured are looked up.
        runtimes: those of the device, for the sweep that is suggested.
        accuracy: of what was not measured, on the dataset that the measurements' accuracy is of;
            the published one without it. Tiers are by the published one whatever the dataset.
    """
    measured_here = [m for m in measurements if m.device == device]
    entries, left_out = select_entries(in_scope(measured_here, constraints), constraints)
    held, emulated = held_back(left_out), set_aside(left_out)
    required = requirements(constraints, catalog)
    excluded = exclusions([*entries, *held], required)
    passing = [entry for entry in entries if not excluded[entry.id]]
    firsts = _Firsts(constraints.merit, leaders(passing))
    winner = firsts.winner
    front = asked_front(passing, constraints)
    ties = [] if winner is None else ties_with(winner, passing, firsts.merit)
    judging = _Judging(excluded, front_of(passing), front, ties, places(passing, firsts.merit))
    candidates = _judge(entries, judging, firsts)
    told = {entry.id for entry in (*front, *ties, *filter(None, [winner]))}
    accuracy = accuracy or published_accuracy(catalog)
    missing = _missing([*entries, *held, *emulated], constraints, catalog, accuracy)
    may_win = (entry for entry in held if not excluded[entry.id])
    could_win = [] if winner else sorted(may_win, key=preference(firsts.merit))
    # What else an emulated device measures would not be ranked either.
    wanting, weights = () if winner or emulated else missing, weights_in_use(measured_here)
    otherwise = partial(suggest_sweep, device, wanting, constraints, runtimes, weights)
    return Ranking(
        device=device,
        constraints=constraints,
        winner=None if winner is None else candidates[winner.id],
        ties=tuple(candidates[each.id] for each in ties),
        pareto_front=tuple(candidates[each.id] for each in front),
        others=tuple(candidate for id_, candidate in candidates.items() if id_ not in told),
        left_out=tuple(left_out),
        unmeasured=tuple(b.name for b in missing) if winner is None or constraints.tier else (),
        suggested_sweep=_repeat(device, could_win, catalog) if could_win else otherwise(),
        accuracy_dataset=accuracy.dataset,
        merit=firsts.merit,
        would_win_with=_verdicts(could_win),
        limit_effects=() if passing else effects(entries, required, breaches(entries, required)),
    )


def _repeat(device: str, could_win: Sequence[Entry], catalog: Catalog) -> SweepSpec:
    return suggest_repeat(device, [entry.measurement for entry in could_win], catalog)


def asked_front(passing: Sequence[Entry], constraints: Constraints) -> list[Entry]:
    """Return the Pareto front by the figures that were asked for, the best by the first first.

    What a figure is not known of is the worst by it.
    """
    if not constraints.front:
        return front_of(passing)
    return pareto_front_by(passing, [partial(cost_of, axis) for axis in constraints.front])


def cost_of(axis: Criterion, entry: Entry) -> float:
    """Return what an entry costs by a figure, the less the better; of latency its median."""
    figure = entry.median_ms if axis is Criterion.LATENCY else figure_of(axis, entry.measurement)
    if figure is None:
        return math.inf
    return -figure if axis is Criterion.TOP1 else figure


def _verdicts(entries: Iterable[Entry]) -> tuple[Verdict, ...]:
    """Return those that there are, the best first."""
    there = {entry.measurement.verdict for entry in entries}
    return tuple(verdict for verdict in WITH_FIGURES if verdict in there)


def published_accuracy(catalog: Catalog) -> DatasetAccuracy:
    """Return what the catalog publishes."""
    return DatasetAccuracy(IMAGENET, {b.name: b.top1 for b in catalog if b.top1 is not None})


def in_scope(measurements: Iterable[Measurement], constraints: Constraints) -> list[Measurement]:
    """Return what is looked at, with the figures of the minute or the clock that is asked for."""
    return [
        _as_asked(measurement, constraints)
        for measurement in measurements
        if constraints.runtime in (None, measurement.runtime)
        and constraints.threads in (None, measurement.threads)
        and constraints.precision in (None, measurement.precision)
    ]


def _as_asked(measurement: Measurement, constraints: Constraints) -> Measurement:
    minute, fps = constraints.at_minute, constraints.paced_fps
    of_minute = measurement if minute is None else at_minute(measurement, minute)
    return of_minute if fps is None else at_pace(of_minute, fps)


@dataclass(frozen=True, slots=True)
class _Judging:
    """What is known of all entries before one is judged.

    Attributes:
        excluded: by id why it may not win.
        beating: the front by top-1 and median latency.
        front: the front that was asked for.
        ties: who cannot be told apart from the winner.
        places: by id where it may be among those within the constraints.
    """

    excluded: Mapping[str, tuple[Reason, ...]]
    beating: Sequence[Entry]
    front: Sequence[Entry]
    ties: Sequence[Entry]
    places: Mapping[str, Places]


def _judge(entries: Sequence[Entry], judging: _Judging, firsts: _Firsts) -> dict[str, Candidate]:
    """Say by id what became of every entry, in the entries' order."""
    latency_ties = _latency_ties(entries)
    on_front = {entry.id for entry in judging.front}
    unbeaten = {entry.id for entry in judging.beating}
    with_winner = {entry.id for entry in judging.ties}
    winner, merit, excluded = firsts.winner, firsts.merit, judging.excluded
    nowhere = Places(low=0, high=0)

    def lost_because(entry: Entry) -> tuple[Reason, ...]:
        if winner is None or excluded[entry.id]:
            return excluded[entry.id]
        if entry is winner:
            return ()
        if entry.id in with_winner:
            return (tied(entry, winner, merit),)
        dominator = None if entry.id in unbeaten else _dominator(entry, judging.beating, winner)
        return (behind(entry, winner, merit, dominator),)

    return {
        entry.id: Candidate(
            measurement=entry.measurement,
            on_pareto_front=entry.id in on_front,
            latency_ties=latency_ties[entry.id],
            lost_because=lost_because(entry),
            first_by=tuple(each for each in Merit if firsts.by.get(each) is entry),
            rank_low=judging.places.get(entry.id, nowhere).low,
            rank_high=judging.places.get(entry.id, nowhere).high,
        )
        for entry in entries
    }


def _dominator(entry: Entry, front: Sequence[Entry], winner: Entry) -> Entry:
    """Return the winner where it beats the entry, else the most accurate of the front that does."""
    beating = [
        other
        for other in front
        if other.median_ms <= entry.median_ms
        and (entry.top1 is None or (other.top1 is not None and other.top1 >= entry.top1))
    ]
    return winner if winner in beating else max(beating, key=lambda other: other.top1 or 0)


def _latency_ties(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    ties: dict[str, list[str]] = {entry.id: [] for entry in entries}
    by_low = sorted(entries, key=lambda entry: entry.latency.low_ms)
    for place, entry in enumerate(by_low):
        for other in by_low[place + 1 :]:
            if other.latency.low_ms > entry.latency.high_ms:
                break
            ties[entry.id].append(other.id)
            ties[other.id].append(entry.id)
    return {id_: tuple(sorted(ids)) for id_, ids in ties.items()}


def _missing(
    there: Iterable[Entry | LeftOut],
    constraints: Constraints,
    catalog: Catalog,
    accuracy: DatasetAccuracy,
) -> list[Backbone]:
    measured = {each.measurement.backbone for each in there}
    tier = constraints.tier
    considered = catalog if tier is None else select_tier(catalog, tier)
    with_accuracy = (replace(each, top1=accuracy.top1.get(each.name)) for each in considered)
    return unmeasured_backbones(with_accuracy, measured, constraints)
