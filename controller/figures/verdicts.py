"""How far figures can be trusted, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import scipy

from controller.domain.measurements import LatencyFigures, Verdict
from controller.figures.disturbances import throttling
from controller.figures.drift import clock_step, drift, waiting
from controller.figures.starts import unready_starts
from controller.figures.statistics import least_telling_stop, milliseconds, relative_half_width
from protos.measuring import Repetition, StopReason
from protos.reasons import Reason, ReasonCode, reason

# How unlikely a difference between repetitions must be before it is called one.
_DISAGREEMENT_LEVEL: Final = 0.01


def verdict(
    figures: LatencyFigures,
    repetitions: Sequence[Repetition],
    settings_relative_half_width: float,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Judge how far figures can be trusted, and whether they are of single inferences.

    Args:
        figures: of one job.
        repetitions: what the figures were derived from.
        settings_relative_half_width: what was asked for; 0.02 is ±2 %.
    """
    found, reasons = _judged(figures, repetitions, settings_relative_half_width)
    return found, (*reasons, *_coarseness(repetitions))


def _coarseness(repetitions: Sequence[Repetition]) -> Iterator[Reason]:
    """Say what samples are that are no single inferences."""
    counts = [each.averaged.run_count for each in repetitions if each.averaged is not None]
    if counts:
        yield reason(ReasonCode.MEANS_ONLY, inferences=min(counts))


def _judged(
    figures: LatencyFigures,
    repetitions: Sequence[Repetition],
    settings_relative_half_width: float,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Judge whether the device kept its speed and the interval is as narrow as was asked for.

    Throttled is what a limit, heat, drift or a leak changed while it ran. Disturbed is what other
    processes took the cores from, or what started although the device was not ready, however narrow
    its interval. Too wide an interval is wide, which
    is no bias; the reason tells what would have made it narrower: repetitions that agree, time to
    take more samples, more repetitions, or steadier samples. For ok there are reasons only for what
    a figure does not tell: how another process would have run, where there was only one; whether it
    had warmed up; times of day, where a clock was set.
    """
    throttled, crowded = throttling(repetitions), waiting(repetitions)
    # Whoever shares its cores drifts, too, and the device is not to blame for that.
    changed = throttled or (None if crowded else drift(repetitions))
    unready = unready_starts(repetitions, ReasonCode.STARTED_UNREADY)
    if changed:
        return Verdict.THROTTLED, (changed, *unready)
    if crowded or unready:
        return Verdict.DISTURBED, (*filter(None, [crowded]), *unready)
    reached = relative_half_width(figures)
    if reached <= settings_relative_half_width:
        return Verdict.OK, tuple(_reservations(repetitions))
    width = {"reached": reached, "wanted": settings_relative_half_width}
    return Verdict.WIDE, (_why_wide(repetitions, width),)


def _reservations(repetitions: Sequence[Repetition]) -> Iterator[Reason]:
    if len(repetitions) == 1:
        yield reason(ReasonCode.ONE_PROCESS)
    unsettled = sum(repetition.warmup_settled is False for repetition in repetitions)
    if unsettled:
        yield reason(ReasonCode.WARMUP_UNSETTLED, count=unsettled, repetitions=len(repetitions))
    stepped = clock_step(repetitions)
    if stepped:
        yield stepped


def _why_wide(repetitions: Sequence[Repetition], width: Mapping[str, float]) -> Reason:
    # Asked first: more time would not have brought processes together that truly differ.
    if _disagree(repetitions):
        medians = [float(np.median(milliseconds(r.latency_ns))) for r in repetitions]
        apart = {"least_ms": min(medians), "most_ms": max(medians)}
        return reason(ReasonCode.REPETITIONS_DISAGREE, **apart, **width)
    if least_telling_stop(repetitions) is StopReason.TIME_BUDGET:
        return reason(ReasonCode.TIME_BUDGET_ENDED, **width)
    if least_telling_stop(repetitions) is StopReason.NOISE_STABLE:
        return reason(ReasonCode.NOISE_STAYS, **width)
    if len(repetitions) > 1:
        return reason(ReasonCode.FEW_REPETITIONS, repetitions=len(repetitions), **width)
    return reason(ReasonCode.SAMPLES_SPREAD, **width)


def _disagree(repetitions: Sequence[Repetition]) -> bool:
    """Say whether repetitions differ by more than the spread of their samples explains.

    Kruskal and Wallis, Use of Ranks in One-Criterion Variance Analysis, 1952. Widths alone do not
    tell: the interval between few repetitions is wide even where only their samples are noisy.
    """
    if len(repetitions) == 1:
        return False
    test = scipy.stats.kruskal(*(milliseconds(repetition.latency_ns) for repetition in repetitions))
    return bool(test.pvalue < _DISAGREEMENT_LEVEL)
