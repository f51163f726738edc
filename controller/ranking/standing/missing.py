"""Which limit leaves a fleet without a backbone: what each keeps out, and the nearest miss."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controller.domain.rankings.limits import Criterion, LimitEffect
from controller.ranking.entries.columns import Columns
from controller.ranking.requirements import Requirement
from controller.ranking.standing.holding import Held
from controller.ranking.standing.judging import DeviceColumns


@dataclass(frozen=True, slots=True, eq=False)
class Miss:
    """The setting of a backbone that one requirement alone keeps out.

    Attributes:
        here: the device that it was measured on.
        row: of its figures.
        figure: what the requirement's limit is held against; None of a kind, or where unknown.
        over: how far that is beyond the limit; likewise.
    """

    here: DeviceColumns
    row: int
    figure: float | None = None
    over: float | None = None

    @property
    def order(self) -> tuple[float, float, str]:
        """The nearest first; what is not known is the farthest."""
        columns = self.here.columns
        over = float("inf") if self.over is None else self.over
        return over, float(columns.median_ms[self.row]), columns.measurement_ids([self.row])[0]


@dataclass(frozen=True, slots=True)
class Missed:
    """Why a backbone does not qualify on a device; requirements by their places.

    Attributes:
        never: those that none of its settings satisfies.
        nearly: by each that alone keeps one of its settings out, the nearest such.
    """

    never: frozenset[int]
    nearly: Mapping[int, Miss]


@dataclass(frozen=True, slots=True)
class FleetMiss:
    """What a requirement keeps out of a fleet's choice, and what misses it by the least."""

    effect: LimitEffect
    nearest: Miss | None


def fleet_misses(held: Sequence[Held]) -> tuple[FleetMiss, ...]:
    """Tell what each requirement keeps out of a fleet's choice; nothing where none does.

    A requirement excludes a backbone that does not satisfy it in any setting on one of the devices.
    Without it those would be left that qualify on every device, or that nothing else keeps out
    there; the nearest of these is the one whose farthest device is the nearest.

    Args:
        held: of each device that takes part, by the same requirements.
    """
    if not any(len(each.lacking) for each in held):
        return ()
    devices = [_OnDevice(_qualifying(each), _missed(each)) for each in held]
    required = held[0].exclusions.required
    return tuple(_fleet_miss(devices, at, each) for at, each in enumerate(required))


def _qualifying(held: Held) -> frozenset[str]:
    names = held.here.columns.names.names
    return frozenset(names[at] for at in np.flatnonzero(held.choices >= 0))


@dataclass(frozen=True, slots=True)
class _OnDevice:
    """The backbones that qualify on a device, and why the others do not."""

    qualifying: frozenset[str]
    missed: Mapping[str, Missed]


def _missed(held: Held) -> dict[str, Missed]:
    """Say by its name why each backbone that does not qualify on a device does not."""
    columns, rows, excluded = held.here.columns, held.lacking, held.exclusions
    kinds = columns.kinds
    broken = np.array([mask[rows] for mask in excluded.broken], dtype=bool)
    broken = broken.reshape(len(excluded.required), len(rows))
    of_each: defaultdict[str, list[int]] = defaultdict(list)
    for place, kind in enumerate(columns.kind[rows].tolist()):
        of_each[kinds[kind].backbone].append(place)
    nearly: defaultdict[str, dict[int, Miss]] = defaultdict(dict)
    for place in np.flatnonzero(broken.sum(axis=0) == 1):
        row, at = int(rows[place]), int(np.argmax(broken[:, place]))
        miss = _miss(held.here, row, excluded.required[at])
        of_backbone = nearly[kinds[columns.kind[row]].backbone]
        of_backbone[at] = min(miss, of_backbone.get(at, miss), key=lambda each: each.order)
    return {
        name: Missed(
            frozenset(np.flatnonzero(broken[:, places].all(axis=1)).tolist()), nearly[name]
        )
        for name, places in of_each.items()
    }


def _miss(here: DeviceColumns, row: int, requirement: Requirement) -> Miss:
    limit = requirement.limit
    figure = None if limit is None else _known(here.columns, row, limit.criterion)
    return Miss(
        here, row, figure, None if limit is None or figure is None else limit.overstep(figure)
    )


def _fleet_miss(devices: Sequence[_OnDevice], at: int, requirement: Requirement) -> FleetMiss:
    excluded = {
        name for each in devices for name, missed in each.missed.items() if at in missed.never
    }
    candidates = set.intersection(*({*each.qualifying, *each.missed} for each in devices))
    farthest = [
        max(misses, key=lambda miss: miss.order)
        for name in candidates
        if (misses := _misses(devices, at, name)) and len(misses) == _missing_on(devices, name)
    ]
    near = farthest or [
        missed.nearly[at]
        for each in devices
        for missed in each.missed.values()
        if at in missed.nearly
    ]
    nearest = min(near, key=lambda miss: miss.order, default=None)
    effect = LimitEffect(
        criterion=requirement.criterion,
        limit=requirement.limit,
        excluded=len(excluded),
        would_leave=len(farthest),
        figure=None if nearest is None else nearest.figure,
        over=None if nearest is None else nearest.over,
    )
    return FleetMiss(effect, nearest)


def _misses(devices: Sequence[_OnDevice], at: int, name: str) -> list[Miss]:
    """Return where one requirement alone keeps a backbone out."""
    return [
        missed.nearly[at]
        for each in devices
        if (missed := each.missed.get(name)) is not None and at in missed.nearly
    ]


def _missing_on(devices: Sequence[_OnDevice], name: str) -> int:
    return sum(name in each.missed for each in devices)


def _known(columns: Columns, row: int, criterion: Criterion) -> float | None:
    figure = float(columns.figure(criterion)[row])
    return None if np.isnan(figure) else figure
