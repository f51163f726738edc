"""Which one backbone is best for many devices: pure functions of what was measured on each."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from controller.ranking.entries import Entry, latencies_tie, select_entries
from controller.ranking.merits import leaders, preference
from controller.ranking.ranking import in_scope
from controller.ranking.requirements import breaches, effects, requirements
from controller.ranking.standing.missing import Missed, OnDevice, fleet_effects, missed
from controller.ranking.standing.regrets import Span, regrets
from controller.ranking.suggestion import suggest_sweep, weights_in_use
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


@dataclass(frozen=True, slots=True)
class Held:
    """What counts on one device: the best setting of each backbone that qualifies, and the rest.

    Of the measurements one of each kind of weights is left: there may be many devices.
    """

    figures: DeviceFigures
    choices: Mapping[str, ChoiceOnDevice]
    excluded: Mapping[str, Missed]
    best: Entry | None
    effects: tuple[LimitEffect, ...] = ()


def rank_fleet(
    devices: Iterable[DeviceFigures], constraints: Constraints, catalog: Catalog, dataset: str
) -> FleetRanking:
    """Rank backbones for all devices together: least regret in the worst one, and on average.

    A backbone counts that satisfies the constraints on every device that has figures, in whichever
    setting is the best there. The least highest regret is Savage's criterion (The Theory of
    Statistical Decision, Journal of the American Statistical Association 46, 1951).

    Args:
        devices: each once; those without figures that count are told and do not take part.
        constraints: as for one device.
        catalog: where tiers are looked up.
        dataset: whose accuracy stands with the measurements.
    """
    return rank_held(
        [hold(each, constraints, catalog) for each in devices], constraints, catalog, dataset
    )


def rank_held(
    held: Sequence[Held], constraints: Constraints, catalog: Catalog, dataset: str
) -> FleetRanking:
    """Rank backbones by what counts on each device, as `rank_fleet` does."""
    taking_part = [each for each in held if each.choices or each.excluded]
    total = sum(each.figures.share for each in taking_part) or 1.0
    order = _Order(taking_part)
    choices = sorted(_choices(taking_part, total), key=order.by_worst)
    first = choices[0] if choices else None
    least_mean = min(choices, key=order.by_mean, default=None)
    merit = constraints.merit
    ties = [
        each
        for each in choices
        if first is not None and each is not first and _may_be_as_good(each, first, merit)
    ]
    told = [id(each) for each in (first, least_mean, *ties)]
    others = [each for each in choices if id(each) not in told]
    incomplete = _incomplete(taking_part)
    return FleetRanking(
        constraints=constraints,
        places=tuple(
            FleetPlace(
                device=each.figures.device,
                share=each.figures.share / total,
                best=None if each.best is None else each.best.measurement,
                limit_effects=each.effects,
            )
            for each in taking_part
        ),
        without_figures=tuple(each.figures.device for each in held if each not in taking_part),
        least_worst=first,
        least_mean=least_mean,
        ties=tuple(ties[:MOST_CHOICES]),
        tie_count=len(ties),
        others=tuple(others[:MOST_CHOICES]),
        other_count=len(others),
        incomplete=tuple(incomplete[:MOST_CHOICES]),
        incomplete_count=len(incomplete),
        suggested_sweep=_suggested(incomplete, taking_part, constraints, catalog),
        accuracy_dataset=dataset,
        merit=constraints.merit,
        limit_effects=() if choices else _effects(taking_part, constraints, catalog),
    )


def _effects(
    held: Sequence[Held], constraints: Constraints, catalog: Catalog
) -> tuple[LimitEffect, ...]:
    on_devices = [OnDevice(each.choices.keys(), each.excluded) for each in held]
    return fleet_effects(on_devices, requirements(constraints, catalog))


def hold(figures: DeviceFigures, constraints: Constraints, catalog: Catalog) -> Held:
    """Find the best setting of each backbone on a device, and what it loses by it."""
    here = [each for each in figures.measurements if each.device == figures.device]
    entries, _ = select_entries(in_scope(here, constraints), constraints)
    required = requirements(constraints, catalog)
    broken = breaches(entries, required)
    merit = constraints.merit
    passing = [entry for entry in entries if not broken[entry.id]]
    best = leaders(passing).get(merit)
    if merit is Merit.MEMORY:
        passing = [entry for entry in passing if entry.measurement.memory is not None]
    lost = regrets(passing, merit) if passing else {}
    choices: dict[str, ChoiceOnDevice] = {}
    for entry in sorted(passing, key=lambda each: (lost[each.id].value, preference(merit)(each))):
        choices.setdefault(entry.measurement.backbone, _choice(entry, lost[entry.id]))
    without = {entry.measurement.backbone for entry in entries} - choices.keys()
    of_each_kind = {each.weights: each for each in figures.measurements}
    lighter = replace(figures, measurements=tuple(of_each_kind.values()))
    return Held(
        lighter,
        choices,
        missed((e for e in entries if e.measurement.backbone in without), required, broken),
        best,
        effects=() if passing else effects(entries, required, broken),
    )


def _choice(entry: Entry, regret: Span) -> ChoiceOnDevice:
    return ChoiceOnDevice(
        measurement=entry.measurement,
        regret=regret.value,
        regret_low=regret.low,
        regret_high=regret.high,
    )


def _choices(held: Sequence[Held], total: float) -> Iterable[FleetChoice]:
    """Yield every backbone that qualifies on all devices."""
    if not held:
        return
    for backbone in set.intersection(*(set(each.choices) for each in held)):
        on_devices = tuple(each.choices[backbone] for each in held)
        worst = max(on_devices, key=lambda each: each.regret)
        weighted = (
            each.figures.share * choice.regret
            for each, choice in zip(held, on_devices, strict=True)
        )
        yield FleetChoice(
            backbone=backbone,
            on_devices=on_devices,
            worst_device=worst.measurement.device,
            worst_regret=worst.regret,
            mean_regret=sum(weighted) / total,
        )


class _Order:
    """By what choices are ordered; of equal regrets, who is best on more devices comes first."""

    def __init__(self, held: Sequence[Held]) -> None:
        self._led = Counter(
            each.best.measurement.backbone for each in held if each.best is not None
        )

    def by_worst(self, choice: FleetChoice) -> tuple[object, ...]:
        worst, mean = _rounded(choice.worst_regret), _rounded(choice.mean_regret)
        return worst, mean, *self._preferred(choice)

    def by_mean(self, choice: FleetChoice) -> tuple[object, ...]:
        worst, mean = _rounded(choice.worst_regret), _rounded(choice.mean_regret)
        return mean, worst, *self._preferred(choice)

    def _preferred(self, choice: FleetChoice) -> tuple[object, ...]:
        top1 = [each.measurement.top1 for each in choice.on_devices]
        least = min(-math.inf if each is None else each for each in top1)
        return -self._led[choice.backbone], -least, choice.backbone


def _rounded(regret: float) -> float:
    """What differs by no more than arithmetic does is the same."""
    return round(regret, 9)


def _may_be_as_good(other: FleetChoice, first: FleetChoice, merit: Merit) -> bool:
    """Say whether by the intervals another one's highest regret may be as low as the first's.

    An accuracy has no interval: there it is the same on every device, and the latencies overlap.
    """
    if merit is Merit.ACCURACY:
        pairs = zip(other.on_devices, first.on_devices, strict=True)
        return all(_is_alike(a.measurement, b.measurement) for a, b in pairs)
    at_best = max(each.regret_low for each in other.on_devices)
    return at_best <= max(each.regret_high for each in first.on_devices)


def _is_alike(a: Measurement, b: Measurement) -> bool:
    """Say whether two have the same accuracy, and neither is known to be faster."""
    if a.latency is None or b.latency is None or a.top1 != b.top1:
        return False
    return latencies_tie(a.latency, b.latency)


def _incomplete(held: Sequence[Held]) -> list[IncompleteChoice]:
    """Return what qualifies on some devices only, on most of them first."""
    qualifying = Counter(backbone for each in held for backbone in each.choices)
    lacking = [backbone for backbone, count in qualifying.items() if count < len(held)]
    return [
        IncompleteChoice(
            backbone=backbone,
            unmeasured_on=tuple(
                each.figures.device
                for each in held
                if backbone not in each.choices and backbone not in each.excluded
            ),
            excluded_on=tuple(each.figures.device for each in held if backbone in each.excluded),
        )
        for backbone in sorted(lacking, key=lambda name: (-qualifying[name], name))
    ]


def _suggested(
    incomplete: Iterable[IncompleteChoice],
    held: Sequence[Held],
    constraints: Constraints,
    catalog: Catalog,
) -> SweepSpec | None:
    """Return the sweep after which what only lacks figures could be compared."""
    lacking = [each for each in incomplete if each.unmeasured_on and not each.excluded_on]
    names = {device for each in lacking for device in each.unmeasured_on}
    devices = [each.figures for each in held if each.figures.device in names]
    known = [catalog.get(each.backbone) for each in lacking if each.backbone in catalog]
    shared = [runtime for runtime in Runtime if all(runtime in each.runtimes for each in devices)]
    if not devices or not shared:
        return None
    weights = weights_in_use(each for one in devices for each in one.measurements)
    suggested = suggest_sweep(devices[0].device, known, constraints, shared, weights)
    if suggested is None:
        return None
    # What only its verdict holds back would stand for itself.
    is_fresh = bool(constraints.only)
    return replace(suggested, devices=tuple(each.device for each in devices), fresh=is_fresh)
