"""What follows from a job's repetitions: which of them count, and what they tell. Pure rules.

Some repetitions are not of the state that the others are of. They do not count while two others
do: else all count, and the verdict says what is wrong with them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from controller.domain.jobs import FEWEST_REPETITIONS
from controller.domain.measurements import LatencyFigures, Verdict
from controller.figures.delegation import delegation_figures
from controller.figures.drift import has_shifted, shifts_left_out
from controller.figures.energy import energy_figures
from controller.figures.latency import (
    latency_figures,
    latency_so_far,
    memory_figures,
    minute_figures,
)
from controller.figures.outputs import output_figures, unchecked
from controller.figures.pacing import paced_figures
from controller.figures.spread import process_spread
from controller.figures.starts import unready_starts
from controller.figures.verdicts import verdict
from controller.fleet.rounds.drifting import is_watched, slowdown
from controller.fleet.rounds.turns import Course
from controller.state.measurements import Conclusion
from controller.state.rounds.repetitions import TakenRepetition
from controller.state.rounds.underway import Underway
from protos.measuring import MeasureSettings, Repetition
from protos.reasons import Reason, ReasonCode, reason

_Taken = Sequence[TakenRepetition]
TakenT = TypeVar("TakenT")


def conclude(
    taken: _Taken, settings: MeasureSettings, course: Course, not_ready: int
) -> Conclusion:
    """Derive a job's figures and verdict.

    Left out are repetitions beside a gross and lasting change of the device, those that started
    although it was not ready, and those in which latency shifted. Reasons tell how many, for how
    many starts the device was not ready in time, how many no reading of the sentinel followed on,
    and of how many nobody compared the outputs.

    Args:
        taken: at least one.
        settings: what they were told.
        course: how the sweep stands on the device.
        not_ready: starts that never came about.
    """
    suspects, readings_ms = course.suspects, course.readings_ms
    steady = those_but(taken, lambda each: each.block in suspects)
    ready = those_but(steady, lambda each: each.repetition.started_unready is not None)
    counted = those_but(ready, lambda each: has_shifted(each.repetition))
    figures = latency_figures(_repetitions(counted))
    judged, reasons = _changed_runtime(counted, settings) or verdict(
        figures, _repetitions(counted), settings.relative_half_width
    )
    if any(each.block in suspects for each in steady):
        drifted = reason(ReasonCode.DEVICE_DRIFTED, slowdown=slowdown(readings_ms))
        judged, reasons = Verdict.THROTTLED, (drifted,)
    more = [*_missing(not_ready, settings)]
    if len(ready) < len(steady):
        more += unready_starts(_repetitions(steady), ReasonCode.UNREADY_LEFT_OUT)
    if len(counted) < len(ready):
        more += shifts_left_out(_repetitions(ready))
    if course.is_to_be_watched:
        more += _unwatched(taken, readings_ms)
    more += unchecked(_repetitions(counted))
    return _conclusion(counted, settings, figures, judged, (*reasons, *more))


def conclude_so_far(job: Underway) -> Conclusion:
    """Derive what can be said of a job that goes on to be measured: wide at best."""
    repetitions = _repetitions(job.taken)
    derive = partial(latency_so_far, deviation=process_spread(job.spread))
    figures = derive(repetitions)
    judged, reasons = _changed_runtime(job.taken, job.settings) or verdict(
        figures, repetitions, job.settings.relative_half_width
    )
    underway = reason(ReasonCode.STILL_MEASURED, repetitions=len(repetitions))
    if judged in (Verdict.OK, Verdict.WIDE):
        judged, reasons = Verdict.WIDE, ()
    concluded = _conclusion(job.taken, job.settings, figures, judged, (underway, *reasons))
    fps = job.settings.paced_fps
    return replace(concluded, paced=paced_figures(repetitions, fps, figures.median_ms, derive))


def those_but(taken: Sequence[TakenT], is_other: Callable[[TakenT], bool]) -> Sequence[TakenT]:
    """Those that it does not hold of; all where these are fewer than two."""
    kept = [each for each in taken if not is_other(each)]
    return kept if len(kept) >= min(FEWEST_REPETITIONS, len(taken)) else taken


def _repetitions(taken: _Taken) -> list[Repetition]:
    return [each.repetition for each in taken]


def _conclusion(
    taken: _Taken,
    settings: MeasureSettings,
    figures: LatencyFigures,
    judged: Verdict,
    reasons: tuple[Reason, ...],
) -> Conclusion:
    counted = _repetitions(taken)
    last = taken[-1]
    return Conclusion(
        verdict=judged,
        reasons=reasons,
        measured_at_unix_ms=last.taken_at_unix_ms,
        runtime_version=last.runtime_version,
        runtime_build=last.runtime_build,
        busy_threads=max(repetition.busy_threads for repetition in counted),
        affinity=last.affinity,
        latency=figures,
        memory=memory_figures(counted),
        minutes=minute_figures(counted),
        outputs=output_figures(counted),
        delegation=delegation_figures(counted),
        energy=energy_figures(counted),
        paced=paced_figures(counted, settings.paced_fps, figures.median_ms),
    )


def _changed_runtime(
    taken: _Taken, settings: MeasureSettings
) -> tuple[Verdict, tuple[Reason, ...]] | None:
    """Judge repetitions that did not run with one runtime; None where they did."""
    ran_with = _changing(
        [each.runtime_version for each in taken], [each.runtime_build for each in taken]
    )
    if not ran_with:
        return None
    words = {"runtime": settings.runtime.value, "versions": " and ".join(ran_with)}
    return Verdict.DISTURBED, (reason(ReasonCode.RUNTIME_CHANGED, words),)


def _changing(*told: Sequence[str]) -> list[str]:
    """The first of some properties that repetitions do not share: what it was, each once."""
    return next((sorted(set(each)) for each in told if len(set(each)) > 1), [])


def _missing(not_ready: int, settings: MeasureSettings) -> Iterator[Reason]:
    if not_ready:
        deadline_ms = settings.gate.deadline_ms
        yield reason(ReasonCode.STARTS_MISSED, count=not_ready, deadline_ms=deadline_ms)


def _unwatched(taken: _Taken, readings_ms: Sequence[float]) -> Iterator[Reason]:
    count = sum(not is_watched(each.block, readings_ms) for each in taken)
    if count:
        yield reason(ReasonCode.UNWATCHED, count=count, repetitions=len(taken))
