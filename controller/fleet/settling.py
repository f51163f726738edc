"""What follows from the turns that were taken: more of them, or a job's end with its figures."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from controller.domain.jobs import ENDED, FEWEST_REPETITIONS, JobState, Reading
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase
from controller.figures.latency import latency_figures, memory_figures, minute_figures
from controller.figures.starts import unready_starts
from controller.figures.verdicts import verdict
from controller.fleet.turns import is_watched, settle, slowdown, suspect_blocks
from controller.state.database import Database
from controller.state.jobs import count_jobs, end_job, has_sentinel, read_settings
from controller.state.measurements import Conclusion, record_conclusion
from controller.state.repetitions import TakenRepetition, list_taken, mark_suspect
from controller.state.sweeps import running_sweeps, set_phase
from controller.state.turns import (
    append_turns,
    count_not_ready,
    list_open_jobs,
    list_open_places,
    list_readings,
)
from protos.measuring import MeasureSettings
from protos.reasons import Reason, ReasonCode, reason


def settle_turns(database: Database, sweep_id: str, device_id: str, now_unix_ms: int) -> None:
    """Does what follows from the turns that were taken; doing it again changes nothing."""
    with database.transaction() as transaction:
        readings = list_readings(transaction, sweep_id, device_id)
        rng = random.Random(f"{sweep_id} {device_id} {len(readings)}")
        settlement = settle(list_open_jobs(transaction, sweep_id, device_id), readings, rng)
        append_turns(transaction, sweep_id, device_id, settlement.added)
    for job_id in settlement.complete:
        finish_job(database, job_id, readings, now_unix_ms)


def settle_all(database: Database, now_unix_ms: int) -> None:
    """Settles what was taken before the controller stopped and not settled any more."""
    for sweep_id, device_id in list_open_places(database):
        settle_turns(database, sweep_id, device_id, now_unix_ms)


def end_finished_sweeps(database: Database, now_unix_ms: int) -> bool:
    """Ends every measuring sweep whose jobs have all ended; whether there was any."""
    finished = [
        sweep.sweep_id
        for sweep in running_sweeps(database)
        if sweep.phase is SweepPhase.MEASURING
        and all(state in ENDED for state in count_jobs(database, sweep.sweep_id))
    ]
    for sweep_id in finished:
        set_phase(database, sweep_id, SweepPhase.ENDED, now_unix_ms)
    return bool(finished)


def finish_job(
    database: Database, job_id: str, readings: Sequence[Reading], now_unix_ms: int
) -> None:
    """Derives a job's figures and ends it; one that ended before stays as it is.

    Repetitions that were taken while the sentinel drifted do not count, unless fewer than two
    others are left: then all of them do, and the verdict says so. Nor, by the same rule, do those
    that started although the device was not ready. Reasons tell how many these were, for how many
    the device was not ready in time, and how many no reading followed on, as the sentinel had
    failed. A job without any repetition, as of a sentinel whose sweep failed before, ends without a
    measurement.
    """
    with database.transaction() as transaction:
        settings = read_settings(transaction, job_id)
        taken = list_taken(transaction, job_id)
        not_ready = count_not_ready(transaction, job_id)
        is_to_be_watched = has_sentinel(transaction, job_id)
        if not taken:
            end_job(transaction, job_id, JobState.CANCELLED)
            return
    suspects = suspect_blocks(readings)
    steady = [each for each in taken if each.block not in suspects]
    is_steady = len(steady) >= min(FEWEST_REPETITIONS, len(taken))
    kept = steady if is_steady else taken
    counted = _ready(kept)
    conclusion = _conclusion(counted, settings)
    if not is_steady:
        drifted = reason(ReasonCode.DEVICE_DRIFTED, slowdown=slowdown(readings))
        conclusion = replace(conclusion, verdict=Verdict.THROTTLED, reasons=(drifted,))
    more = [*_missing(not_ready, settings)]
    if len(counted) < len(kept):
        more += unready_starts([each.repetition for each in kept], ReasonCode.UNREADY_LEFT_OUT)
    if is_to_be_watched:
        more += _unwatched(taken, readings)
    conclusion = replace(conclusion, reasons=(*conclusion.reasons, *more))
    with database.transaction() as transaction:
        if end_job(transaction, job_id, JobState.DONE):
            record_conclusion(transaction, job_id, conclusion, now_unix_ms)
            suspect = [each.ordinal for each in taken if each.block in suspects]
            mark_suspect(transaction, job_id, suspect)


def _ready(taken: Sequence[TakenRepetition]) -> Sequence[TakenRepetition]:
    """Those that the device was ready for; all where these are fewer than two others."""
    ready = [each for each in taken if each.repetition.started_unready is None]
    return ready if len(ready) >= min(FEWEST_REPETITIONS, len(taken)) else taken


def _conclusion(taken: Sequence[TakenRepetition], settings: MeasureSettings) -> Conclusion:
    """What is derived from these repetitions."""
    counted = [each.repetition for each in taken]
    figures = latency_figures(counted)
    judged, reasons = _changed_runtime(taken, settings) or verdict(
        figures, counted, settings.relative_half_width
    )
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
    )


def _changed_runtime(
    taken: Sequence[TakenRepetition], settings: MeasureSettings
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


def _unwatched(taken: Sequence[TakenRepetition], readings: Sequence[Reading]) -> Iterator[Reason]:
    count = sum(not is_watched(each.block, readings) for each in taken)
    if count:
        yield reason(ReasonCode.UNWATCHED, count=count, repetitions=len(taken))
