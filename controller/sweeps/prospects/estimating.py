"""How long measuring is expected to take: by what was measured before, pure functions of it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from controller.domain.devices import Device
from controller.domain.jobs import PlanEstimate, PlannedJob
from controller.domain.sweeps import SweepSpec, job_time_ms, planned_time_ms
from controller.fleet.rounds.turns import SENTINEL_EVERY
from controller.state.rounds.history import MeasuringTime
from protos.measuring import paced_ms
from protos.runtimes import Runtime

_MS_PER_MINUTE: Final = 60_000
# What a device's sentinel adds to the turns of its jobs, each reading as long as one of them.
_READINGS: Final = 1 + 1 / SENTINEL_EVERY

_Length = tuple[str, Runtime, int, int, float]


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of how long measuring takes.

    Attributes:
        here: by device and length of a repetition (backbone, runtime, time budget, minutes,
            frames a second): what one took, ms.
        elsewhere: by length, and whether the device is emulated: the mean over such devices, ms.
        ratios: by device: what sweeps took, by what they were expected to.
    """

    here: Mapping[tuple[str, _Length], float]
    elsewhere: Mapping[tuple[bool, _Length], float]
    ratios: Mapping[str, Sequence[float]]


def history_of(times: Iterable[MeasuringTime], ratios: Mapping[str, Sequence[float]]) -> History:
    """Order what was measured by what is asked of it."""
    here: dict[tuple[str, _Length], float] = {}
    elsewhere: dict[tuple[bool, _Length], list[float]] = {}
    for each in times:
        protocol = (each.time_budget_ms, each.sustained_minutes, each.paced_fps)
        length = (each.backbone, each.runtime, *protocol)
        here[each.device_id, length] = each.turn_ms
        elsewhere.setdefault((each.is_emulated, length), []).append(each.turn_ms)
    means = {where: fmean(turns_ms) for where, turns_ms in elsewhere.items()}
    return History(here=here, elsewhere=means, ratios=ratios)


def estimate(
    jobs: Sequence[PlannedJob], spec: SweepSpec, device: Device, history: History
) -> PlanEstimate:
    """How long a device is expected to measure.

    A job takes as many repetitions as its time holds, the fewest in any case and the most at most.
    Nothing is known of a backbone that was never measured so: it is expected to use up its time.

    Args:
        jobs: of the device that would be measured, sentinels not counted.
        spec: what is asked for.
        device: where.
        history: what is known.
    """
    lengths = [_length(job) for job in jobs]
    here = [history.here.get((device.device_id, length)) for length in lengths]
    is_emulated = bool(device.profile.emulator)
    known = [
        history.elsewhere.get((is_emulated, length)) if turn_ms is None else turn_ms
        for length, turn_ms in zip(lengths, here, strict=True)
    ]
    known_here = sum(turn_ms is not None for turn_ms in here)
    ratios = history.ratios.get(device.device_id, ())
    return PlanEstimate(
        device=device.name,
        jobs=len(jobs),
        expected_ms=round(_expected_ms(known, spec)),
        known_here=known_here,
        known_elsewhere=sum(turn_ms is not None for turn_ms in known) - known_here,
        earlier_ratio=median(ratios) if ratios else None,
        earlier_sweeps=len(ratios),
    )


def _length(job: PlannedJob) -> _Length:
    told = job.settings
    protocol = (told.time_budget_ms, told.sustained_minutes, told.paced_fps)
    return job.variant.backbone, told.runtime, *protocol


def _expected_ms(turns_ms: Sequence[float | None], spec: SweepSpec) -> float:
    """What jobs are expected to take by what a repetition of each takes, ms; None is not known."""
    readings = _READINGS if spec.sentinel else 1
    if spec.time_ms is None:
        by_itself = planned_time_ms(spec, 1)
        return readings * _sum(turns_ms, lambda turn_ms: _job_ms(turn_ms, spec), by_itself)
    least = _sum(turns_ms, lambda turn_ms: spec.fewest_repetitions * turn_ms, _least_ms(spec))
    most = _sum(turns_ms, lambda turn_ms: spec.most_repetitions * turn_ms, math.inf)
    return max(readings * least, min(readings * most, spec.time_ms))


def _sum(
    turns_ms: Sequence[float | None], of_known: Callable[[float], float], unknown: float
) -> float:
    return math.fsum(unknown if turn_ms is None else of_known(turn_ms) for turn_ms in turns_ms)


def _job_ms(turn_ms: float, spec: SweepSpec) -> float:
    least, most = spec.fewest_repetitions * turn_ms, spec.most_repetitions * turn_ms
    # Each repetition on a clock is given its time there besides.
    unpaced_ms = max(1.0, turn_ms - paced_ms(spec.paced_fps, spec.time_budget_ms))
    return max(least, min(most, job_time_ms(spec, 0) * turn_ms / unpaced_ms))


def _least_ms(spec: SweepSpec) -> float:
    """What the fewest repetitions take at least, whatever the backbone."""
    on_clock_ms = paced_ms(spec.paced_fps, spec.time_budget_ms)
    return spec.fewest_repetitions * (spec.sustained_minutes * _MS_PER_MINUTE + on_clock_ms)
