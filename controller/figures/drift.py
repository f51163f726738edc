"""What changed while a repetition sampled: its speed, memory, share of the cores, and clock.

Pure functions of what was reported. Each gives a reason for what it found, or None. Limits are
calibrated by `tests/benchmarks/measuring/faults.py`: of jobs that nothing disturbed, whatever their
noise, fewer than 1 % are told to be disturbed.
"""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.figures.finding import first_found
from protos.measuring import Repetition
from protos.reasons import Reason, ReasonCode, reason

# Samples are compared in stretches, whose medians neither an outlier nor neighbours that resemble
# each other move far.
MAX_STRETCHES: Final = 64
STRETCH_SAMPLES: Final = 4
# In a repetition that is judged: of so few stretches, chance makes 6 standard errors.
FEWEST_SAMPLES: Final = 30
# On each side of a change; fewer may all have been interrupted by chance.
MIN_SAMPLES: Final = 8
# On the slower side: a burst of fewer runs moves the median by less than its interval. A few faster
# ones tell that all the others were slowed down.
MIN_SLOWER_SHARE: Final = 0.1
# Of the logarithm: 12 to 13 %. Autocorrelated samples wander by less.
MIN_SHIFT: Final = 0.12
MIN_STANDARD_ERRORS: Final = 6.0

# What the child's own samples need, the copies for the stopping rule included.
SAMPLE_BYTES: Final = 128
# Arenas of a runtime that settle after its warm-up.
MIN_LEAK_BYTES: Final = 4 * 1024**2

# A child alone on its cores waits for a few permille of the time.
MAX_WAITING_SHARE: Final = 0.1

# Reading the state, judging the samples and loop overhead are no samples.
MIN_CLOCK_STEP_MS: Final = 2_000
_MAX_OVERHEAD: Final = 0.1
# From here on a sample stands for two runs or more.
_THINNED_FROM: Final = 100_000

_NS_PER_MS: Final = 1e6

_Logs = npt.NDArray[np.float64]


def drift(repetitions: Sequence[Repetition]) -> Reason | None:
    """Tell what changed while a repetition sampled, so that its figures are of no one state.

    Its latency did, by more than 12 % and 6 standard errors, with a tenth of the runs or more on
    the slower side, or its memory grew by more than 4 MiB beyond what the samples take.
    """
    return first_found(repetitions, (_shifted, _leaked))


def has_shifted(repetition: Repetition) -> bool:
    """Whether latency was another before than after some moment, by the rule of `drift`."""
    return _shifted(repetition) is not None


def shifts_left_out(repetitions: Sequence[Repetition]) -> tuple[Reason, ...]:
    """Tell of how many, since latency shifted, none counts, and how it did in the first of them.

    Args:
        repetitions: of one job, those in which it shifted among them; empty where there are none.
    """
    first = first_found(repetitions, (_shifted,))
    if first is None:
        return ()
    count = sum(map(has_shifted, repetitions))
    return reason(ReasonCode.SHIFTED_LEFT_OUT, count=count, repetitions=len(repetitions)), first


def waiting(repetitions: Sequence[Repetition]) -> Reason | None:
    """Tell for which share of the time others had the children's cores; None up to a tenth.

    Of all repetitions that tell, each counting alike, as in the median: one interruption of a short
    repetition is noise of the job, and stands in its interval.
    """
    told = [repetition.after.waiting_share for repetition in repetitions if repetition.after]
    shares = [share for share in told if share is not None]
    if not shares or fmean(shares) <= MAX_WAITING_SHARE:
        return None
    return reason(ReasonCode.CORES_SHARED, share=fmean(shares))


def clock_step(repetitions: Sequence[Repetition]) -> Reason | None:
    """Tell by how much the device's clock was set while a job ran; None when it was not.

    Latencies are of another clock that nobody can set, so that they hold; times of day do not. A
    step is told from 2 s on, a tenth of the repetition's own length besides. A repetition of
    100,000 samples or more, or of minutes, tells of steps back only, since its samples may be a
    part of its runs.
    """
    return first_found(repetitions, (_stepped,))


def _shifted(repetition: Repetition) -> Reason | None:
    """Latency was another before than after some moment, by 12 % and 6 standard errors.

    The split is the one of all that separates the stretches' medians best: the largest t statistic
    with a common variance (Hawkins, Testing a Sequence of Observations for a Shift in Location,
    1977). A drift is found, too, as its two halves differ.
    """
    count = len(repetition.latency_ns)
    if count < FEWEST_SAMPLES:
        return None
    logs = np.log(np.asarray(repetition.latency_ns, dtype=np.float64))
    stretches, sizes = _stretches(logs, min(MAX_STRETCHES, count // STRETCH_SAMPLES))
    least = max(1, round(MIN_SAMPLES * stretches.size / count))
    shift, errors, split = _best_split(stretches, least)
    if abs(shift) <= MIN_SHIFT or errors <= MIN_STANDARD_ERRORS:
        return None
    return reason(
        ReasonCode.LATENCY_SHIFTED,
        change=math.expm1(shift),
        after_share=float(sizes[:split].sum()) / count,
    )


def _stretches(logs: _Logs, number: int) -> tuple[_Logs, npt.NDArray[np.int64]]:
    """Medians and sizes of so many stretches, the first ones longer by a sample as needed."""
    size, longer = divmod(logs.size, number)
    cut = longer * (size + 1)
    parts = (logs[:cut].reshape(longer, size + 1), logs[cut:].reshape(number - longer, size))
    # All of one size at once: a call costs more than the median of a few samples.
    medians = np.concatenate([_medians(part) for part in parts if part.size])
    return medians, np.repeat([size + 1, size], [longer, number - longer])


def _medians(rows: _Logs) -> _Logs:
    """The median of each row; sorting a few samples costs a tenth of asking numpy for it."""
    ordered = np.sort(rows, axis=1)
    last = ordered.shape[1] - 1
    middle: _Logs = (ordered[:, last // 2] + ordered[:, (last + 1) // 2]) / 2
    return middle


def _best_split(stretches: _Logs, least: int) -> tuple[float, float, int]:
    """Shift, its standard errors, and how many stretches come before it."""
    before = np.arange(least, stretches.size - least + 1)
    after = stretches.size - before
    sums, squares = np.cumsum(stretches), float(np.sum(stretches**2))
    mean_before = sums[before - 1] / before
    mean_after = (sums[-1] - sums[before - 1]) / after
    within = np.maximum(0, squares - before * mean_before**2 - after * mean_after**2)
    error = np.sqrt(within / (stretches.size - 2) * (1 / before + 1 / after))
    shifts = mean_after - mean_before
    # Rounding leaves no error of a clean step.
    errors = np.abs(shifts) / np.maximum(error, 1e-9)
    slower = np.where(shifts > 0, after, before)
    errors[slower < MIN_SLOWER_SHARE * stretches.size] = 0
    best = int(np.argmax(errors))
    return float(shifts[best]), float(errors[best]), int(before[best])


def _leaked(repetition: Repetition) -> Reason | None:
    memory = repetition.memory
    if memory is None or memory.anonymous_bytes is None or memory.sampled_anonymous_bytes is None:
        return None
    own_bytes = SAMPLE_BYTES * len(repetition.latency_ns)
    grown_bytes = memory.sampled_anonymous_bytes - memory.anonymous_bytes - own_bytes
    if grown_bytes <= MIN_LEAK_BYTES:
        return None
    return reason(ReasonCode.MEMORY_GREW, grown_bytes=grown_bytes)


def _stepped(repetition: Repetition) -> Reason | None:
    if repetition.before is None or repetition.after is None:
        return None
    told_ms = repetition.after.taken_at_unix_ms - repetition.before.taken_at_unix_ms
    run_ms = (sum(repetition.warmup_ns) + sum(repetition.latency_ns)) / _NS_PER_MS
    step_ms = told_ms - run_ms
    is_thinned = len(repetition.latency_ns) >= _THINNED_FROM or repetition.samples_per_minute
    if step_ms > 0 and is_thinned:
        return None
    if abs(step_ms) <= MIN_CLOCK_STEP_MS + _MAX_OVERHEAD * run_ms:
        return None
    return reason(ReasonCode.CLOCK_SET, step_ms=step_ms)
