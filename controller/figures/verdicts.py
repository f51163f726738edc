"""How far figures can be trusted, and why."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy import stats

from controller.domain.measurements import LatencyFigures, Verdict
from controller.domain.quantities import format_latency, format_number
from controller.figures.disturbances import throttling
from controller.figures.drift import clock_step, drift, waiting
from controller.figures.statistics import least_telling_stop, milliseconds, relative_half_width
from protos.measuring import Repetition, StopReason

# How unlikely a difference between repetitions must be before it is called one.
_DISAGREEMENT_LEVEL: Final = 0.01


def verdict(
    figures: LatencyFigures,
    repetitions: Sequence[Repetition],
    settings_relative_half_width: float,
) -> tuple[Verdict, str]:
    """Judge whether the device kept its speed and the interval is as narrow as was asked for.

    Throttled is what a limit, heat, drift or a leak changed while it ran. Noisy is what other
    processes took the cores from, however narrow its interval. Too wide an interval is unstable
    where repetitions disagree, and the reason says how far; else it is noisy, and the reason says
    what would have made it narrower: time to take more samples, more repetitions, or steadier
    samples. For ok the reason is empty, but for what a figure does not tell: how another process
    would have run, where there was only one; whether it had warmed up; times of day, where a clock
    was set.

    Args:
        figures: of one job.
        repetitions: what the figures were derived from.
        settings_relative_half_width: what was asked for; 0.02 is ±2 %.
    """
    throttled, crowded = throttling(repetitions), waiting(repetitions)
    # Whoever shares its cores drifts, too, and the device is not to blame for that.
    changed = throttled or ("" if crowded else drift(repetitions))
    if changed:
        return Verdict.THROTTLED, changed
    if crowded:
        return Verdict.NOISY, crowded
    reached = relative_half_width(figures)
    if reached <= settings_relative_half_width:
        return Verdict.OK, "; ".join(_reservations(repetitions))
    width = (
        f"the interval is ±{reached * 100:.3g} %, "
        f"wanted ±{settings_relative_half_width * 100:.3g} %"
    )
    # Asked first: more time would not have brought processes together that truly differ.
    if _disagree(repetitions):
        return Verdict.UNSTABLE, f"its repetitions disagree: {_medians(repetitions)}; {width}"
    return Verdict.NOISY, f"{width}: {_why_wide(repetitions)}"


def _reservations(repetitions: Sequence[Repetition]) -> Iterator[str]:
    if len(repetitions) == 1:
        yield "one process measured it, which tells nothing of how another would have run"
    unsettled = sum(repetition.warmup_settled is False for repetition in repetitions)
    if unsettled:
        yield (
            f"the warm-up of {unsettled} of {len(repetitions)} repetitions ended before it had "
            "settled; a larger --time-budget gives it more"
        )
    stepped = clock_step(repetitions)
    if stepped:
        yield stepped


def _why_wide(repetitions: Sequence[Repetition]) -> str:
    if least_telling_stop(repetitions) is StopReason.TIME_BUDGET:
        return "the time budget ended first"
    if least_telling_stop(repetitions) is StopReason.NOISE_STABLE:
        return "its noise is stable and stays larger"
    if len(repetitions) > 1:
        return f"{len(repetitions)} repetitions are too few"
    return "its samples spread too far"


def _medians(repetitions: Sequence[Repetition]) -> str:
    medians = [float(np.median(milliseconds(r.latency_ns))) for r in repetitions]
    return f"medians from {format_number(min(medians))} to {format_latency(max(medians))}"


def _disagree(repetitions: Sequence[Repetition]) -> bool:
    """Say whether repetitions differ by more than the spread of their samples explains.

    Kruskal and Wallis, Use of Ranks in One-Criterion Variance Analysis, 1952. Widths alone do not
    tell: the interval between few repetitions is wide even where only their samples are noisy.
    """
    if len(repetitions) == 1:
        return False
    test = stats.kruskal(*(milliseconds(repetition.latency_ns) for repetition in repetitions))
    return bool(test.pvalue < _DISAGREEMENT_LEVEL)
