"""Which measurements can be ranked at all, and why the others cannot."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from controller.domain import LatencyFigures, Measurement, Verdict
from controller.minutes import sustained_minutes
from models.catalog import IMAGENET, Catalog
from models.variants import WeightsKind

_ORDINARY_PRECISION: Final = "fp32"

_ORDINARILY_ADMITTED: Final = frozenset({Verdict.OK, Verdict.NOISY})

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
    if measurement.precision != _ORDINARY_PRECISION:
        parts.append(measurement.precision)
    if measurement.batch != 1:
        parts.append(f"batch={measurement.batch}")
    if measurement.weights is not WeightsKind.PRETRAINED:
        parts.append(measurement.weights.value)
    if minutes := sustained_minutes(measurement):
        parts.append(f"sustained {minutes} min")
    return " ".join(parts)


def select_entries(
    measurements: Sequence[Measurement],
    catalog: Catalog,
    admitted: Collection[Verdict] = _ORDINARILY_ADMITTED,
) -> tuple[list[Entry], list[Measurement]]:
    """Split measurements into what can be ranked and what is left out, both in a fixed order.

    Measurements of one backbone, weights kind, runtime, thread count, precision, format, input
    size, batch size and sustained time stand for each other: the last with an
    admitted verdict counts. One that is left out carries why in its `reason`; so does a failure
    after the measurement that counts in its place.

    Args:
        measurements: oldest first. Their own times are of devices' clocks, which may be wrong.
        catalog: where the input sizes that accuracy is known for are looked up.
        admitted: verdicts that count.
    """
    chosen, left_out = choose_newest(measurements, _setting, admitted)
    entries: list[Entry] = []
    for usable in chosen.values():
        entry, why_not = _entry(usable, catalog)
        if entry is None:
            left_out.append(replace(usable, reason=why_not))
        else:
            entries.append(entry)
    entries.sort(key=lambda entry: (entry.median_ms, entry.measurement.measurement_id))
    left_out.sort(key=lambda measurement: (candidate_key(measurement), measurement.measurement_id))
    return entries, left_out


def choose_newest(
    measurements: Iterable[Measurement],
    identity: Callable[[Measurement], IdentityT],
    admitted: Collection[Verdict] = _ORDINARILY_ADMITTED,
) -> tuple[dict[IdentityT, Measurement], list[Measurement]]:
    """Choose, of measurements of the same thing, the last with figures and an admitted verdict.

    Args:
        measurements: oldest first.
        identity: what measurements have in common that stand for each other.
        admitted: verdicts that count.

    Returns:
        The chosen measurement by identity, and the failures that came after it or have none in
        their place, each with why in its `reason`.
    """
    groups: defaultdict[IdentityT, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        groups[identity(measurement)].append(measurement)
    chosen: dict[IdentityT, Measurement] = {}
    failures: list[Measurement] = []
    for key, same in groups.items():
        usable = next(
            (m for m in reversed(same) if m.verdict in admitted and m.latency is not None), None
        )
        if usable is not None:
            chosen[key] = usable
        if same[-1] is not usable:
            failures.append(_without_figures(same[-1], is_replaced=usable is not None))
    return chosen, failures


def _setting(m: Measurement) -> tuple[object, ...]:
    variant = (m.backbone, m.weights, m.format, m.precision, m.input_size, m.batch)
    return (*variant, m.runtime, m.threads, sustained_minutes(m))


def _without_figures(measurement: Measurement, *, is_replaced: bool) -> Measurement:
    reason = measurement.reason or f"its verdict is {measurement.verdict.value}, without a reason"
    if is_replaced:
        reason = f"{reason}; an older measurement counts instead"
    return replace(measurement, reason=reason)


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
    if precision != _ORDINARY_PRECISION:
        return f"its accuracy on {dataset} is not known for {precision}"
    if dataset == IMAGENET and measurement.weights is not WeightsKind.OWN:
        return "no accuracy is published for it"
    return f"its accuracy on {dataset} is not known; 'edgerank accuracy import' takes it in"
