"""Which measurements can be ranked at all, and why the others cannot."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from controller.domain.measurements import LatencyFigures, Measurement, Verdict
from controller.domain.rankings import Constraints, LeftOut
from controller.ranking.distinction import distinction
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import Reason, ReasonCode, reason

IdentityT = TypeVar("IdentityT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Entry:
    """A measurement whose latency is known, and whose accuracy is unless it need not be."""

    measurement: Measurement
    top1: float | None
    latency: LatencyFigures

    @property
    def id(self) -> str:
        """Id of the measurement, unique."""
        return self.measurement.measurement_id

    @property
    def median_ms(self) -> float:
        """Median latency."""
        return self.latency.median_ms

    def latency_ties_with(self, other: "Entry") -> bool:
        """Say whether the two intervals overlap, so that neither is known to be faster."""
        return latencies_tie(self.latency, other.latency)


def latencies_tie(a: LatencyFigures, b: LatencyFigures) -> bool:
    """Say whether two intervals overlap, so that neither is known to be faster."""
    return a.low_ms <= b.high_ms and b.low_ms <= a.high_ms


def order_of(measurement: Measurement) -> tuple[str, str, int, str, int, str, str]:
    """Order candidates by what they are, and alike ones by their ids."""
    return (
        measurement.backbone,
        measurement.runtime.value,
        measurement.threads,
        measurement.precision.value,
        measurement.batch,
        measurement.weights.value,
        measurement.measurement_id,
    )


def select_entries(
    measurements: Sequence[Measurement], constraints: Constraints
) -> tuple[list[Entry], list[LeftOut]]:
    """Split measurements into what can be ranked and what is left out, both in a fixed order.

    Measurements of one backbone, weights kind, runtime, thread count, precision, format, input size
    and batch size, and alike in what is out of the ordinary in their settings, stand for each
    other: the last with one of the most preferred verdicts counts; a later one is left out, and so
    is what has no accuracy, or is of an emulated device unless such are asked for.

    Args:
        measurements: oldest first. Their own times are of devices' clocks, which may be wrong.
        constraints: which verdicts count, and whether emulated devices do.
    """
    parted = set_emulated_aside(measurements, include_emulated=constraints.include_emulated)
    measurements = parted.kept
    chosen, passed_over = choose_newest(measurements, _setting, constraints.preference)
    told = {m.measurement_id for m in (*chosen.values(), *(p.measurement for p in passed_over))}
    usual = chosen
    if constraints.only:
        usual, _ = choose_newest(measurements, _setting, constraints.preference_without_only)
    held_back_ids = {m.measurement_id for m in usual.values()}
    passed_over += [
        LeftOut(measurement=m, reasons=m.reasons)
        for m in usual.values()
        if m.measurement_id not in told
    ]
    entries: list[Entry] = []
    left_out = parted.left_out
    for usable in chosen.values():
        entry = _entry(usable, constraints)
        if isinstance(entry, Reason):
            left_out.append(LeftOut(measurement=usable, reasons=(entry,)))
        else:
            entries.append(entry)
    for other in passed_over:
        entry = _entry(other.measurement, constraints)
        if isinstance(entry, Entry):
            is_held_back = entry.id in held_back_ids
            told_of = replace(other, measurement=entry.measurement, is_held_back=is_held_back)
            left_out.append(told_of)
        elif other.measurement.latency is not None:
            left_out.append(replace(other, reasons=(*other.reasons, entry)))
        else:
            left_out.append(other)
    entries.sort(key=lambda entry: (entry.median_ms, entry.measurement.measurement_id))
    left_out.sort(key=lambda left: order_of(left.measurement))
    return entries, left_out


@dataclass(frozen=True, slots=True)
class Parted:
    """Measurements that count, and those that do not since their device is emulated."""

    kept: list[Measurement]
    left_out: list[LeftOut]


def set_emulated_aside(measurements: Iterable[Measurement], *, include_emulated: bool) -> Parted:
    """Set aside what emulated devices measured, of what stands for each other the last.

    Args:
        measurements: oldest first.
        include_emulated: whether they count like any other.
    """
    kept: list[Measurement] = []
    aside: dict[tuple[str, tuple[object, ...]], LeftOut] = {}
    for each in measurements:
        # One that failed has no figures that could count.
        if not each.emulator or include_emulated or each.verdict is Verdict.FAILED:
            kept.append(each)
        else:
            why = reason(ReasonCode.DEVICE_EMULATED, {"emulator": each.emulator})
            left = LeftOut(measurement=each, reasons=(*each.reasons, why))
            aside[each.device, _setting(each)] = left
    ordered = sorted(aside.values(), key=lambda left: order_of(left.measurement))
    return Parted(kept, ordered)


def set_aside(left_out: Iterable[LeftOut]) -> list[LeftOut]:
    """Return what was left out since its device is emulated."""
    return [
        left
        for left in left_out
        if any(each.code is ReasonCode.DEVICE_EMULATED for each in left.reasons)
    ]


def held_back(left_out: Iterable[LeftOut]) -> list[Entry]:
    """Return what was left out for nothing but a verdict that `only` does not name."""
    return [
        Entry(measurement, measurement.top1, measurement.latency)
        for measurement in (left.measurement for left in left_out if left.is_held_back)
        if measurement.latency is not None
    ]


def choose_newest(
    measurements: Iterable[Measurement],
    identity: Callable[[Measurement], IdentityT],
    preference: Sequence[Collection[Verdict]],
) -> tuple[dict[IdentityT, Measurement], list[LeftOut]]:
    """Choose, of measurements of the same thing, the last one with a most preferred verdict.

    Args:
        measurements: oldest first.
        identity: what measurements have in common that stand for each other.
        preference: verdicts that count, the preferred ones first, those of one collection alike;
            what has no figures never does.

    Returns:
        The chosen measurement by identity, and what came after it or has none in its place: the
        last of all, and the last with figures.
    """
    groups: defaultdict[IdentityT, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        groups[identity(measurement)].append(measurement)
    chosen: dict[IdentityT, Measurement] = {}
    passed_over: list[LeftOut] = []
    for key, same in groups.items():
        place = _place_of_chosen(same, preference)
        older: tuple[Reason, ...] = ()
        if place is not None:
            chosen[key] = same[place]
            older = (reason(ReasonCode.OLDER_COUNTS),)
        newer = same[0 if place is None else place + 1 :]
        told = {id(m): m for m in (*newer[-1:], *[m for m in newer if m.latency is not None][-1:])}
        passed_over += [LeftOut(measurement=m, reasons=(*m.reasons, *older)) for m in told.values()]
    return chosen, passed_over


def _place_of_chosen(
    same: Sequence[Measurement], preference: Sequence[Collection[Verdict]]
) -> int | None:
    for verdicts in preference:
        for place in reversed(range(len(same))):
            if same[place].latency is not None and same[place].verdict in verdicts:
                return place
    return None


def _setting(m: Measurement) -> tuple[object, ...]:
    variant = (m.backbone, m.weights, m.format, m.precision, m.input_size, m.batch)
    return (*variant, m.runtime, m.threads, distinction(m))


def _entry(measurement: Measurement, constraints: Constraints) -> Entry | Reason:
    """Return the entry, or why no accuracy is known for it that it needs."""
    latency, top1 = measurement.latency, measurement.top1
    if latency is None or (top1 is None and constraints.needs_accuracy):
        return _unknown_accuracy(measurement)
    return Entry(measurement, top1, latency)


def _unknown_accuracy(measurement: Measurement) -> Reason:
    dataset, precision = measurement.accuracy_dataset, measurement.precision
    known, measured = measurement.accuracy_input_size, measurement.input_size
    if known not in (None, measured):
        words = {"known_size": str(known), "measured_size": str(measured)}
        return reason(ReasonCode.ACCURACY_OF_OTHER_SIZE, words)
    if precision is not Precision.FP32:
        words = {"dataset": dataset, "precision": precision.value}
        return reason(ReasonCode.ACCURACY_UNKNOWN_IN_PRECISION, words)
    if dataset == IMAGENET and measurement.weights is not WeightsKind.OWN:
        return reason(ReasonCode.ACCURACY_UNPUBLISHED)
    return reason(ReasonCode.ACCURACY_UNKNOWN, {"dataset": dataset})
