"""Which measurements can be ranked at all, and why the others cannot."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import Constraints, LeftOut
from controller.domain.rankings.figure_rows import VERDICT_CODES
from controller.domain.rankings.pages import LeftOutPlace
from controller.domain.rankings.rows import table_of
from controller.ranking.distinction import distinction
from controller.ranking.entries.choosing import Why, aside, newest, select
from controller.ranking.entries.columns import Codes
from controller.ranking.entries.making import alike_codes, columns_of
from controller.ranking.standing.entry import Entry, entry_of, held_back
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import Reason, ReasonCode, reason

__all__ = ["Entry", "entry_of", "held_back"]

IdentityT = TypeVar("IdentityT", bound=Hashable)


def order_of(measurement: Measurement) -> LeftOutPlace:
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
        measurements: of one device, oldest first. Their own times are of devices' clocks, which may
            be wrong.
        constraints: which verdicts count, and whether emulated devices do.
    """
    columns = columns_of(table_of(measurements))
    found = select(columns, np.arange(len(columns)), constraints)
    return (
        [entry_of(measurements[row]) for row in found.entries],
        [
            left_out_of(measurements[row], why)
            for row, why in zip(found.left_out, found.why.tolist(), strict=True)
        ],
    )


def left_out_of(measurement: Measurement, why: int) -> LeftOut:
    """Return a measurement that is left out, with the reasons for it, of `Why`."""
    flags = _flags(why)
    reasons = measurement.reasons if {Why.VERDICT, Why.EMULATED} & flags else ()
    if Why.EMULATED in flags:
        emulated = reason(ReasonCode.DEVICE_EMULATED, {"emulator": measurement.emulator})
        reasons = (*reasons, emulated)
    if Why.OLDER_COUNTS in flags:
        reasons = (*reasons, reason(ReasonCode.OLDER_COUNTS))
    if Why.NO_ACCURACY in flags:
        reasons = (*reasons, _unknown_accuracy(measurement))
    return LeftOut(measurement=measurement, reasons=reasons, is_held_back=Why.HELD_BACK in flags)


@cache
def _flags(why: int) -> frozenset[int]:
    """What it says, each by itself; as plain numbers, of which no members are made."""
    return frozenset(int(each) for each in Why if why & each)


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
    every = list(measurements)
    kept, away = aside(
        alike_codes((each.device, _setting(each)) for each in every),
        _verdicts(every),
        np.array([bool(each.emulator) for each in every], dtype=bool),
        np.arange(len(every)),
        include_emulated=include_emulated,
    )
    left_out = [left_out_of(every[row], Why.EMULATED) for row in away]
    return Parted(
        [every[row] for row in kept], sorted(left_out, key=lambda left: order_of(left.measurement))
    )


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
    every = list(measurements)
    identities = [identity(each) for each in every]
    thing = alike_codes(identities)
    found = newest(
        thing,
        _verdicts(every),
        np.array([each.latency is not None for each in every], dtype=bool),
        np.arange(len(every)),
        preference,
    )
    passed_over = [
        left_out_of(every[row], Why.VERDICT | (Why.OLDER_COUNTS if is_older else Why(0)))
        for row, is_older in zip(found.passed_over, found.is_older, strict=True)
    ]
    counting = found.chosen[found.chosen >= 0]
    return {identities[row]: every[row] for row in counting}, passed_over


def _verdicts(measurements: Sequence[Measurement]) -> Codes:
    return np.array([VERDICT_CODES[each.verdict.value] for each in measurements], dtype=np.int64)


def _setting(m: Measurement) -> tuple[object, ...]:
    variant = (m.backbone, m.weights, m.format, m.precision, m.input_size, m.batch)
    return (*variant, m.runtime, m.threads, distinction(m))


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
