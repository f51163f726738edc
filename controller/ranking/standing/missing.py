"""Which limit leaves a fleet without a backbone: what each keeps out, and the nearest miss."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.domain.measurements import Measurement
from controller.domain.rankings.limits import LimitEffect, figure_of
from controller.ranking.entries import Entry
from controller.ranking.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Miss:
    """The setting of a backbone that one requirement alone keeps out.

    Attributes:
        measurement: its figures.
        figure: what the requirement's limit is held against; None of a kind, or where unknown.
        over: how far that is beyond the limit; likewise.
    """

    measurement: Measurement
    figure: float | None = None
    over: float | None = None

    @property
    def order(self) -> tuple[float, float, str]:
        """The nearest first; what is not known is the farthest."""
        latency = self.measurement.latency
        return (
            float("inf") if self.over is None else self.over,
            float("inf") if latency is None else latency.median_ms,
            self.measurement.measurement_id,
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """Why a backbone does not qualify on a device; requirements by their places.

    Attributes:
        never: those that none of its settings satisfies.
        nearly: by each that alone keeps one of its settings out, the nearest such.
    """

    never: frozenset[int]
    nearly: Mapping[int, Miss]


def missed(
    entries: Iterable[Entry],
    required: Sequence[Requirement],
    broken: Mapping[str, tuple[int, ...]],
) -> dict[str, Missed]:
    """Say by its name why each backbone of these entries does not qualify on a device.

    `broken` are the entries' breaches of what is required, by id.
    """
    of_each: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        of_each[entry.measurement.backbone].append(entry)
    return {name: _missed(settings, required, broken) for name, settings in of_each.items()}


def _missed(
    settings: Sequence[Entry],
    required: Sequence[Requirement],
    broken: Mapping[str, tuple[int, ...]],
) -> Missed:
    nearly: dict[int, Miss] = {}
    for entry in settings:
        if len(broken[entry.id]) == 1:
            [at] = broken[entry.id]
            miss = _miss(entry, required[at])
            nearly[at] = min(miss, nearly.get(at, miss), key=lambda each: each.order)
    never = frozenset.intersection(*(frozenset(broken[entry.id]) for entry in settings))
    return Missed(never, nearly)


def _miss(entry: Entry, requirement: Requirement) -> Miss:
    limit = requirement.limit
    figure = None if limit is None else figure_of(limit.criterion, entry.measurement)
    over = None if limit is None or figure is None else limit.overstep(figure)
    return Miss(entry.measurement, figure, over)


@dataclass(frozen=True, slots=True)
class OnDevice:
    """The backbones that qualify on a device, and why the others do not."""

    qualifying: Collection[str]
    missed: Mapping[str, Missed]


def fleet_effects(
    devices: Sequence[OnDevice], required: Sequence[Requirement]
) -> tuple[LimitEffect, ...]:
    """Tell what each requirement keeps out of a fleet's choice; nothing where none does.

    A requirement excludes a backbone that does not satisfy it in any setting on one of the devices.
    Without it those would be left that qualify on every device, or that nothing else keeps out
    there; the nearest of these is the one whose farthest device is the nearest.
    """
    if not any(each.missed for each in devices):
        return ()
    return tuple(_effect(devices, at, each) for at, each in enumerate(required))


def _effect(devices: Sequence[OnDevice], at: int, requirement: Requirement) -> LimitEffect:
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
    return LimitEffect(
        criterion=requirement.criterion,
        limit=requirement.limit,
        excluded=len(excluded),
        would_leave=len(farthest),
        nearest=None if nearest is None else nearest.measurement,
        figure=None if nearest is None else nearest.figure,
        over=None if nearest is None else nearest.over,
    )


def _misses(devices: Sequence[OnDevice], at: int, name: str) -> list[Miss]:
    """Return where one requirement alone keeps a backbone out."""
    return [
        missed.nearly[at]
        for each in devices
        if (missed := each.missed.get(name)) is not None and at in missed.nearly
    ]


def _missing_on(devices: Sequence[OnDevice], name: str) -> int:
    return sum(name in each.missed for each in devices)
