"""Which backbone is best on a device: a pure function of its measurements and the constraints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import WITH_FIGURES, Constraints, LeftOut, Ranking
from controller.domain.rankings.limits import LimitEffect
from controller.domain.rankings.rows import table_of
from controller.domain.sweeps import SweepSpec
from controller.figures.minutes import at_minute
from controller.figures.pacing import at_pace
from controller.ranking.entries import left_out_of
from controller.ranking.entries.choosing import Selected, Why
from controller.ranking.entries.making import columns_of
from controller.ranking.merits import preferred
from controller.ranking.requirements import Nearest, effects
from controller.ranking.standing.judging import DeviceColumns, Told, in_scope, judge
from controller.ranking.suggestion import (
    suggest_repeat,
    suggest_sweep,
    unmeasured_backbones,
)
from models.catalog.catalog import IMAGENET, Backbone, Catalog
from models.catalog.tiers import select_tier
from protos.runtimes import Runtime


@dataclass(frozen=True, slots=True)
class DatasetAccuracy:
    """The top-1 of backbones on a dataset as they come, percent, by name."""

    dataset: str
    top1: Mapping[str, float]


def rank(
    device: str,
    measurements: Sequence[Measurement],
    constraints: Constraints,
    catalog: Catalog,
    runtimes: Sequence[Runtime] = tuple(Runtime),
    *,
    accuracy: DatasetAccuracy | None = None,
    most: int | None = None,
) -> Ranking:
    """Rank a device's measurements under constraints: see `rank_columns`.

    Args:
        device: name of the device; measurements of others do not count.
        measurements: oldest first: of a candidate's, the last with a most preferred verdict counts.
        constraints: what is asked for.
        catalog: where tiers and backbones that were not measured are looked up.
        runtimes: those of the device, for the sweep that is suggested.
        accuracy: as for `rank_columns`.
        most: likewise.
    """
    here = [m for m in measurements if m.device == device]
    return rank_columns(
        columns_to_rank(device, here, constraints, runtimes),
        constraints,
        catalog,
        accuracy=accuracy,
        most=most,
    )


def columns_to_rank(
    device: str,
    measurements: Sequence[Measurement],
    constraints: Constraints,
    runtimes: Sequence[Runtime] = tuple(Runtime),
) -> DeviceColumns:
    """Put measurements of a device into columns, with the figures that the constraints ask for."""
    asked = [_as_asked(each, constraints) for each in measurements]
    columns = columns_of(table_of(asked))
    return DeviceColumns(
        device=device,
        columns=columns,
        rows=in_scope(columns, constraints),
        whole=lambda rows: [asked[row] for row in rows],
        runtimes=runtimes,
    )


def rank_columns(
    here: DeviceColumns,
    constraints: Constraints,
    catalog: Catalog,
    *,
    accuracy: DatasetAccuracy | None = None,
    most: int | None = None,
) -> Ranking:
    """Rank what was measured on a device under constraints.

    The winner is the first by `Constraints.merit`. The Pareto front holds the candidates within the
    constraints that no other beats in both top-1 and median latency, by points and not intervals.

    Args:
        here: what was measured, and what is looked at of it.
        constraints: what may win, and of what; a confidence is not looked at, as it takes samples.
        catalog: where tiers and backbones that were not measured are looked up.
        accuracy: of what was not measured; the published one without it, as tiers always are by.
        most: at most so many others are told of, and so many of what is left out; None is all.
    """
    columns, judged = here.columns, judge(here, constraints, catalog)
    selected, merit, winner = judged.selected, judged.merit, judged.winner
    held, emulated = selected.left(Why.HELD_BACK), selected.left(Why.EMULATED)
    accuracy = accuracy or published_accuracy(catalog)
    measured = columns.backbones(np.concatenate([judged.entries, held, emulated]))
    missing = _missing(measured, constraints, catalog, accuracy)
    could_win = judged.excluded.passing(held) if winner is None else held[:0]
    could_win = preferred(columns, could_win, merit)
    nearest = () if len(judged.passing) else effects(columns, judged.entries, judged.excluded)
    others = judged.others()
    told = Told(
        judged,
        here.whole,
        rows=[
            *judged.shown(most),
            *could_win,
            *(each.row for each in nearest if each.row is not None),
        ],
    )
    # What else an emulated device measures would not be ranked either.
    wanting = () if winner is not None or len(emulated) else missing
    again = told.measurements(could_win)
    return Ranking(
        device=here.device,
        constraints=constraints,
        winner=None if winner is None else told.candidate(winner),
        ties=told.candidates(judged.ties),
        pareto_front=told.candidates(judged.front),
        others=told.candidates(others[:most]),
        left_out=_left_out(selected, told, most),
        unmeasured=tuple(b.name for b in missing) if winner is None or constraints.tier else (),
        suggested_sweep=_suggested(here, again, wanting, constraints, catalog),
        accuracy_dataset=accuracy.dataset,
        merit=merit,
        would_win_with=_verdicts(columns.verdicts_in(could_win)),
        other_count=len(others),
        left_out_count=len(selected.left_out),
        limit_effects=tuple(_effect(each, told) for each in nearest),
    )


def _left_out(selected: Selected, told: Told, most: int | None) -> tuple[LeftOut, ...]:
    rows, why = selected.left_out[:most], selected.why[:most].tolist()
    return tuple(
        left_out_of(told.measurement(row), each) for row, each in zip(rows, why, strict=True)
    )


def _effect(nearest: Nearest, told: Told) -> LimitEffect:
    if nearest.row is None:
        return nearest.effect
    return replace(nearest.effect, nearest=told.measurement(nearest.row))


def _suggested(
    here: DeviceColumns,
    could_win: Sequence[Measurement],
    wanting: Sequence[Backbone],
    constraints: Constraints,
    catalog: Catalog,
) -> SweepSpec | None:
    if could_win:
        return suggest_repeat(here.device, could_win, catalog)
    weights = here.weights_in_use()
    return suggest_sweep(here.device, wanting, constraints, here.runtimes, weights)


def _verdicts(there: Collection[Verdict]) -> tuple[Verdict, ...]:
    """Return those that there are, the best first."""
    return tuple(verdict for verdict in WITH_FIGURES if verdict in there)


def published_accuracy(catalog: Catalog) -> DatasetAccuracy:
    """Return what the catalog publishes."""
    return DatasetAccuracy(IMAGENET, {b.name: b.top1 for b in catalog if b.top1 is not None})


def _as_asked(measurement: Measurement, constraints: Constraints) -> Measurement:
    minute, fps = constraints.at_minute, constraints.paced_fps
    of_minute = measurement if minute is None else at_minute(measurement, minute)
    return of_minute if fps is None else at_pace(of_minute, fps)


def _missing(
    measured: Collection[str],
    constraints: Constraints,
    catalog: Catalog,
    accuracy: DatasetAccuracy,
) -> list[Backbone]:
    tier = constraints.tier
    considered = catalog if tier is None else select_tier(catalog, tier)
    # Of those that were measured, which most are, none is made anew.
    with_accuracy = (
        replace(each, top1=accuracy.top1.get(each.name))
        for each in considered
        if each.name not in measured
    )
    return unmeasured_backbones(with_accuracy, measured, constraints)
