"""Sustained inference minute by minute: whose samples are whose, and figures of one minute."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from controller.domain.measurements import (
    LatencyFigures,
    Measurement,
    per_image_ms,
    sustained_minutes,
)
from protos.measuring import Repetition
from protos.reasons import Reason, ReasonCode, reason


def repetitions_of_minute(repetitions: Sequence[Repetition], minute: int) -> tuple[Repetition, ...]:
    """The repetitions with their samples of a minute alone, the first being 1.

    Those in which no inference began in that minute are left out.
    """
    cut = [_of_minute(repetition, minute) for repetition in repetitions]
    return tuple(repetition for repetition in cut if repetition.latency_ns)


def at_minute(measurement: Measurement, minute: int) -> Measurement:
    """A measurement with the latency figures and raw samples of one minute, the first being 1.

    One that has none is returned without figures, and with why as its only reason.
    """
    if measurement.latency is None:
        return measurement
    latency = latency_at(measurement, minute)
    if latency is None:
        return replace(measurement, latency=None, reasons=(_why_without(measurement, minute),))
    return replace(
        measurement,
        latency=latency,
        latency_per_image_ms=per_image_ms(latency.median_ms, measurement.batch),
        repetitions=repetitions_of_minute(measurement.repetitions, minute),
    )


def latency_at(measurement: Measurement, minute: int) -> LatencyFigures | None:
    """The latency figures of a minute, the first being 1; None where there are none."""
    return next((each.latency for each in measurement.minutes if each.minute == minute), None)


def _of_minute(repetition: Repetition, minute: int) -> Repetition:
    counts = repetition.samples_per_minute[:minute]
    if len(counts) < minute:
        return replace(repetition, latency_ns=(), samples_per_minute=())
    *_, end = accumulate(counts)
    return replace(
        repetition,
        latency_ns=repetition.latency_ns[end - counts[-1] : end],
        samples_per_minute=counts[-1:],
    )


def _why_without(measurement: Measurement, minute: int) -> Reason:
    asked = sustained_minutes(measurement)
    if not asked:
        return reason(ReasonCode.NOT_SUSTAINED, minute=minute)
    if minute > asked:
        return reason(ReasonCode.PAST_LAST_MINUTE, minute=minute, minutes=asked)
    return reason(ReasonCode.MINUTE_EMPTY, minute=minute)
