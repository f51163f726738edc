"""Which one backbone is best for many devices: pure functions of what was measured on each."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.fleet import (
    MOST_CHOICES,
    ChoiceOnDevice,
    FleetChoice,
    FleetPlace,
    FleetRanking,
    IncompleteChoice,
)
from controller.domain.rankings.limits import LimitEffect
from controller.domain.sweeps import SweepSpec
from controller.ranking.entries.columns import Numbers
from controller.ranking.ranking import columns_to_rank
from controller.ranking.requirements import requirements
from controller.ranking.standing.grid import Grid
from controller.ranking.standing.holding import Held, hold
from controller.ranking.standing.judging import DeviceColumns
from controller.ranking.standing.missing import FleetMiss, fleet_misses
from controller.ranking.suggestion import kind_in_use, suggest_sweep
from models.catalog.catalog import Catalog
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFigures:
    """What a fleet's ranking knows of one device.

    Attributes:
        device: its name.
        measurements: of it, oldest first.
        share: how much it counts beside the others, above 0.
        runtimes: those that it has, for a sweep that is suggested.
    """

    device: str
    measurements: Sequence[Measurement]
    share: float = 1.0
    runtimes: tuple[Runtime, ...] = tuple(Runtime)


Fetch: TypeAlias = Callable[[Sequence[tuple[DeviceColumns, Sequence[int]]]], None]
"""Hears of which rows of which devices measurements are made next."""


def _nothing(_told: Sequence[tuple[DeviceColumns, Sequence[int]]]) -> None:
    """What is in memory needs no fetching."""


def rank_fleet(
    devices: Iterable[DeviceFigures],
    constraints: Constraints,
    catalog: Catalog,
    dataset: str,
    *,
    most: int = MOST_CHOICES,
) -> FleetRanking:
    """Rank backbones for all devices together: see `rank_held`.

    Args:
        devices: each once; those without figures that count are told and do not take part.
        constraints: as for one device.
        catalog: where tiers are looked up.
        dataset: whose accuracy stands with the measurements.
        most: as for `rank_held`.
    """
    required = requirements(constraints, catalog)
    held = []
    for each in devices:
        of_device = [m for m in each.measurements if m.device == each.device]
        here = columns_to_rank(each.device, of_device, constraints, each.runtimes)
        held.append(hold(here, each.share, constraints, required))
    return rank_held(held, constraints, catalog, dataset, most=most)


def rank_held(
    held: Sequence[Held],
    constraints: Constraints,
    catalog: Catalog,
    dataset: str,
    *,
    most: int = MOST_CHOICES,
    fetch: Fetch = _nothing,
) -> FleetRanking:
    """Rank backbones by what counts on each device: least regret in the worst one, and on average.

    A backbone counts that satisfies the constraints on every device that has figures, in whichever
    setting is the best there. The least highest regret is Savage's criterion (The Theory of
    Statistical Decision, Journal of the American Statistical Association 46, 1951).

    At most `most` ties, and as many others, are told. `fetch` hears first which rows are.
    """
    taking_part = [each for each in held if each.takes_part]
    total = sum(each.share for each in taking_part) or 1.0
    complete = _Complete(taking_part, total)
    by_worst, by_mean = complete.by_worst(), complete.by_mean()
    first = by_worst[0] if len(by_worst) else None
    least_mean = by_mean[0] if len(by_mean) else None
    may_tie = complete.as_good_as(first, constraints.merit) if first is not None else ()
    ties = [at for at in by_worst if at != first and may_tie[at]]
    told = {first, least_mean, *ties}
    others = [at for at in by_worst if at not in told]
    shown = dict.fromkeys((first, least_mean, *ties[:most], *others[:most]))
    shown_at = [at for at in shown if at is not None]
    misses = () if first is not None else fleet_misses(taking_part)
    fetch([*complete.rows(shown_at), *_nearest_rows(taking_part, misses)])
    choices = complete.choices(shown_at)
    incomplete = complete.grid.incomplete()
    return FleetRanking(
        constraints=constraints,
        places=tuple(_place(each, each.share / total) for each in taking_part),
        without_figures=tuple(each.device for each in held if not each.takes_part),
        least_worst=None if first is None else choices[first],
        least_mean=None if least_mean is None else choices[least_mean],
        ties=tuple(choices[at] for at in ties[:most]),
        tie_count=len(ties),
        others=tuple(choices[at] for at in others[:most]),
        other_count=len(others),
        incomplete=tuple(_incomplete(complete.grid, at) for at in incomplete[:MOST_CHOICES]),
        incomplete_count=len(incomplete),
        suggested_sweep=_suggested(complete.grid, constraints, catalog),
        accuracy_dataset=dataset,
        merit=constraints.merit,
        limit_effects=tuple(map(_effect, misses)),
    )


def _place(held: Held, share: float) -> FleetPlace:
    return FleetPlace(
        device=held.device,
        share=share,
        best=None if held.best is None else held.here.whole([held.best])[0],
        limit_effects=tuple(
            _with_nearest(near.effect, held.here, near.row) for near in held.nearest
        ),
    )


def _effect(miss: FleetMiss) -> LimitEffect:
    if miss.nearest is None:
        return miss.effect
    return _with_nearest(miss.effect, miss.nearest.here, miss.nearest.row)


def _nearest_rows(
    held: Sequence[Held], misses: Sequence[FleetMiss]
) -> Iterable[tuple[DeviceColumns, Sequence[int]]]:
    """The rows that limits are told by."""
    for each in held:
        yield each.here, [near.row for near in each.nearest if near.row is not None]
    for miss in misses:
        if miss.nearest is not None:
            yield miss.nearest.here, [miss.nearest.row]


def _with_nearest(effect: LimitEffect, here: DeviceColumns, row: int | None) -> LimitEffect:
    return effect if row is None else replace(effect, nearest=here.whole([row])[0])


class _Complete:
    """Backbones that qualify on all devices, a column each, a row a device."""

    def __init__(self, held: Sequence[Held], total: float) -> None:
        """`total` is what the shares add up to."""
        self._held = held
        self.grid = Grid(held)
        shared = self.grid.qualifying_on() == len(held)
        self._names = [self.grid.names[at] for at in np.flatnonzero(shared)]
        self._places = self.grid.choices[:, shared]
        shares = np.array([each.share for each in held])
        self._lost = self._of_each([each.lost.value for each in held])
        self.worst = self._lost.max(axis=0, initial=0.0)
        self.mean = shares @ self._lost / total
        led = Counter(each.best_backbone for each in held)
        gains = self._of_each([each.here.columns.gains[each.rows] for each in held])
        least = gains.min(axis=0, initial=np.inf)
        # Of equal regrets, who is best on more devices comes first, then who is more accurate.
        self._preferred = (
            np.arange(len(self._names)),
            -least,
            np.array([-led[name] for name in self._names]),
        )

    def _of_each(self, figures: Sequence[Numbers]) -> Numbers:
        found = [each[places] for each, places in zip(figures, self._places, strict=True)]
        return np.array(found, dtype=float).reshape(len(self._held), len(self._names))

    def by_worst(self) -> list[int]:
        """Backbones by their highest regret."""
        return self._ordered(self.mean, self.worst)

    def by_mean(self) -> list[int]:
        """Backbones by their weighted mean regret."""
        return self._ordered(self.worst, self.mean)

    def _ordered(self, second: Numbers, first: Numbers) -> list[int]:
        # What differs by no more than arithmetic does is the same.
        keys = (*self._preferred, np.round(second, 9), np.round(first, 9))
        return [int(at) for at in np.lexsort(keys)] if self._names else []

    def as_good_as(self, first: int, merit: Merit) -> Sequence[bool]:
        """Say whether by the intervals the highest regret of each may be as low as one's.

        An accuracy has no interval: there it is the same on every device, and the latencies
        overlap.
        """
        if merit is Merit.ACCURACY:
            top1, low, high = (
                self._of_each([getattr(each.here.columns, name)[each.rows] for each in self._held])
                for name in ("top1", "low_ms", "high_ms")
            )
            alike = top1 == top1[:, [first]]
            alike &= (low <= high[:, [first]]) & (low[:, [first]] <= high)
            return [bool(each) for each in alike.all(axis=0)]
        lows = self._of_each([each.lost.low for each in self._held])
        highs = self._of_each([each.lost.high for each in self._held])
        return [bool(each) for each in lows.max(axis=0) <= highs[:, first].max()]

    def rows(self, told: Sequence[int]) -> list[tuple[DeviceColumns, list[int]]]:
        """The rows of those that are told, and of the best, of each device."""
        return [
            (
                each.here,
                [
                    *([] if each.best is None else [each.best]),
                    *(int(each.rows[places[at]]) for at in told),
                ],
            )
            for each, places in zip(self._held, self._places, strict=True)
        ]

    def choices(self, told: Sequence[int]) -> dict[int, FleetChoice]:
        """Those that are told, with what was measured on each device."""
        on_devices: dict[int, list[ChoiceOnDevice]] = {at: [] for at in told}
        for each, places in zip(self._held, self._places, strict=True):
            settings = [places[at] for at in told]
            found = each.here.whole([int(row) for row in each.rows[settings]])
            for at, setting, measurement in zip(told, settings, found, strict=True):
                choice = ChoiceOnDevice(
                    measurement=measurement,
                    regret=float(each.lost.value[setting]),
                    regret_low=float(each.lost.low[setting]),
                    regret_high=float(each.lost.high[setting]),
                )
                on_devices[at].append(choice)
        return {
            at: FleetChoice(
                backbone=self._names[at],
                on_devices=tuple(found),
                worst_device=self._held[int(np.argmax(self._lost[:, at]))].device,
                worst_regret=float(self.worst[at]),
                mean_regret=float(self.mean[at]),
            )
            for at, found in on_devices.items()
        }


def _incomplete(grid: Grid, at: int) -> IncompleteChoice:
    is_excluded, qualifies = grid.is_excluded[:, at], grid.choices[:, at] >= 0
    return IncompleteChoice(
        backbone=grid.names[at],
        unmeasured_on=grid.devices(~qualifies & ~is_excluded),
        excluded_on=grid.devices(is_excluded),
    )


def _suggested(grid: Grid, constraints: Constraints, catalog: Catalog) -> SweepSpec | None:
    """Return the sweep after which what only lacks figures could be compared."""
    lacking = [at for at in grid.incomplete() if not grid.is_excluded[:, at].any()]
    devices = [
        each
        for each, row in zip(grid.held, grid.choices[:, lacking], strict=True)
        if (row < 0).any()
    ]
    names = [grid.names[at] for at in lacking]
    known = [catalog.get(name) for name in names if name in catalog]
    shared = [
        runtime for runtime in Runtime if all(runtime in each.here.runtimes for each in devices)
    ]
    if not devices or not shared:
        return None
    weights = kind_in_use({kind for each in devices for kind in each.weights})
    suggested = suggest_sweep(devices[0].device, known, constraints, shared, weights)
    if suggested is None:
        return None
    # What only its verdict holds back would stand for itself.
    is_fresh = bool(constraints.only)
    return replace(suggested, devices=tuple(each.device for each in devices), fresh=is_fresh)
