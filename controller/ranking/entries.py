"""Which measurements can be ranked at all, and why the others cannot."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TypeVar

from controller.domain.measurements import LatencyFigures, Measurement, Verdict
from controller.domain.rankings import INCLUDABLE, Constraints
from controller.views.settings_words import settings_words
from models.catalog.catalog import IMAGENET, Catalog
from models.catalog.variants import Precision, WeightsKind

IdentityT = TypeVar("IdentityT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Entry:
    """A measurement whose accuracy and latency are both known."""

    measurement: Measurement
    top1: float
    latency: LatencyFigures

    @property
    def id(self) -> str:
        """Id of the measurement, unique."""
        return self.measurement.measurement_id

    @property
    def key(self) -> str:
        """Its name in a ranking, see `candidate_key`."""
        return candidate_key(self.measurement)

    @property
    def median_ms(self) -> float:
        """Median latency."""
        return self.latency.median_ms

    def latency_ties_with(self, other: "Entry") -> bool:
        """Say whether the two intervals overlap, so that neither is known to be faster."""
        return (
            self.latency.low_ms <= other.latency.high_ms
            and other.latency.low_ms <= self.latency.high_ms
        )


def candidate_key(measurement: Measurement) -> str:
    """Name a candidate: backbone, runtime, threads, and what is out of the ordinary."""
    parts = [measurement.backbone, measurement.runtime.value, str(measurement.threads)]
    if measurement.precision is not Precision.FP32:
        parts.append(measurement.precision.value)
    if measurement.batch != 1:
        parts.append(f"batch={measurement.batch}")
    if measurement.weights is not WeightsKind.PRETRAINED:
        parts.append(measurement.weights.value)
    return " ".join((*parts, *settings_words(measurement)))


def select_entries(
    measurements: Sequence[Measurement], catalog: Catalog, admitted: Collection[Verdict]
) -> tuple[list[Entry], list[Measurement]]:
    """Split measurements into what can be ranked and what is left out, both in a fixed order.

    Measurements of one backbone, weights kind, runtime, thread count, precision, format, input size
    and batch size, and alike in what is out of the ordinary in their settings, stand for each
    other: the last with an admitted verdict counts. One that is left out carries why in its
    `reason`; so does one after the measurement that counts in its place. An accuracy that is not of
    its input size is taken from it.

    Args:
        measurements: oldest first. Their own times are of devices' clocks, which may be wrong.
        catalog: where the input sizes that accuracy is known for are looked up.
        admitted: verdicts that count.
    """
    chosen, passed_over = choose_newest(measurements, _setting, admitted)
    entries: list[Entry] = []
    left_out: list[Measurement] = []
    for usable in chosen.values():
        entry, why_not = _entry(usable, catalog)
        if entry is None:
            left_out.append(_without_accuracy(usable, why_not))
        else:
            entries.append(entry)
    for other in passed_over:
        entry, why_not = _entry(other, catalog)
        if entry is None and other.latency is not None:
            left_out.append(_without_accuracy(other, f"{other.reason}; {why_not}"))
        else:
            left_out.append(other)
    entries.sort(key=lambda entry: (entry.median_ms, entry.measurement.measurement_id))
    left_out.sort(key=lambda measurement: (candidate_key(measurement), measurement.measurement_id))
    return entries, left_out


def held_back(left_out: Iterable[Measurement], constraints: Constraints) -> list[Entry]:
    """Return what was left out for nothing but a verdict that the constraints could include."""
    return [
        Entry(measurement, measurement.top1, measurement.latency)
        for measurement in left_out
        if measurement.top1 is not None
        and measurement.latency is not None
        and measurement.verdict in INCLUDABLE
        and measurement.verdict not in constraints.admitted
    ]


def choose_newest(
    measurements: Iterable[Measurement],
    identity: Callable[[Measurement], IdentityT],
    admitted: Collection[Verdict],
) -> tuple[dict[IdentityT, Measurement], list[Measurement]]:
    """Choose, of measurements of the same thing, the last with figures and an admitted verdict.

    Args:
        measurements: oldest first.
        identity: what measurements have in common that stand for each other.
        admitted: verdicts that count.

    Returns:
        The chosen measurement by identity, and what came after it or has none in its place: the
        last of all, and the last with figures, each with why it does not count in its `reason`.
    """

    def is_passed_over(measurement: Measurement) -> bool:
        return measurement.latency is None or measurement.verdict not in admitted

    groups: defaultdict[IdentityT, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        groups[identity(measurement)].append(measurement)
    chosen: dict[IdentityT, Measurement] = {}
    passed_over: list[Measurement] = []
    for key, same in groups.items():
        newest_first = list(takewhile(is_passed_over, reversed(same)))
        is_replaced = len(newest_first) < len(same)
        if is_replaced:
            chosen[key] = same[-1 - len(newest_first)]
        told = newest_first[:1]
        if told and told[0].latency is None:
            told += [m for m in newest_first if m.latency is not None][:1]
        passed_over += [_passed_over(m, is_replaced=is_replaced) for m in told]
    return chosen, passed_over


def _setting(m: Measurement) -> tuple[object, ...]:
    variant = (m.backbone, m.weights, m.format, m.precision, m.input_size, m.batch)
    return (*variant, m.runtime, m.threads, settings_words(m))


def _passed_over(measurement: Measurement, *, is_replaced: bool) -> Measurement:
    reason = measurement.reason or f"its verdict is {measurement.verdict.value}, without a reason"
    if is_replaced:
        reason = f"{reason}; an older measurement counts instead"
    return replace(measurement, reason=reason)


def _without_accuracy(measurement: Measurement, reason: str) -> Measurement:
    # What is known for another input size is not known for this one.
    return replace(measurement, reason=reason, top1=None, top5=None, accuracy_source="")


def _entry(measurement: Measurement, catalog: Catalog) -> tuple[Entry | None, str]:
    """Return the entry, or None and why no accuracy is known for it."""
    if measurement.latency is None or measurement.top1 is None:
        return None, _unknown_accuracy(measurement)
    if measurement.backbone in catalog:
        known_size = catalog.get(measurement.backbone).input_size
        if measurement.input_size != known_size:
            return None, (
                f"accuracy is known for {known_size} px, it is not known for "
                f"{measurement.input_size} px"
            )
    return Entry(measurement, measurement.top1, measurement.latency), ""


def _unknown_accuracy(measurement: Measurement) -> str:
    dataset, precision = measurement.accuracy_dataset, measurement.precision
    if precision is not Precision.FP32:
        return f"its accuracy on {dataset} is not known for {precision.value}"
    if dataset == IMAGENET and measurement.weights is not WeightsKind.OWN:
        return "no accuracy is published for it"
    return f"its accuracy on {dataset} is not known; 'edgerank accuracy import' takes it in"
