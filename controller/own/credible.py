"""What can be of a measurement that a stranger's file tells, and what cannot."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from controller.domain.measurements import Measurement
from controller.domain.sweeps import (
    MAX_FPS,
    MAX_MINUTES,
    MAX_RELATIVE_HALF_WIDTH,
    MAX_REPETITIONS,
    MAX_THREADS,
    MAX_TIME_BUDGET_MS,
    MIN_FPS,
)
from controller.figures.outputs import wrong_output
from controller.fleet.credibility import MAX_UNIX_MS
from controller.fleet.credibility.repetitions import doubt_of_repetition, states_of
from controller.fleet.credibility.saying import MAX_DETAIL_LENGTH
from protos.inputs import MAX_BATCH
from protos.measuring import MeasureSettings, Repetition
from protos.names import is_device_name, is_name
from protos.reasons import Reason

SHA256: Final = re.compile("[0-9a-f]{64}")
_LONGEST_NS: Final = 10**13
_LARGEST: Final = 2**53
_MAX_TEXT: Final = 200
_MAX_CORES: Final = 4_096
# What a message tells again as a whole number with a sign.
_MAX_SIGNED: Final = 2**31 - 1
# More than any verdict has, and than any of them has figures or words.
_MAX_REASONS: Final = 32


def problems(measurement: Measurement) -> Iterator[str]:
    """Say what cannot be of a measurement: nothing of a stranger's file is trusted."""
    if not is_device_name(measurement.device):
        yield f"no device may be called {measurement.device[:64]!r}"
    if not is_name(measurement.backbone):
        yield f"no backbone may be called {measurement.backbone[:64]!r}"
    told = (measurement.sweep_id, measurement.runtime_version, measurement.runtime_build)
    if not all(is_text(each) for each in (*told, measurement.emulator)):
        yield f"a text is longer than {_MAX_TEXT} characters, or has such that nobody can read"
    for digest in (measurement.artifact_sha256, measurement.weights_digest):
        if not SHA256.fullmatch(digest):
            yield f"{digest[:64]!r} is no SHA-256"
    if not _has_numbers(measurement):
        yield "a number of it is below what there can be, or above"
    if not _has_plain_reasons(measurement.reasons):
        yield "its reasons are more, or longer, than any are"
    yield from _problems_of_repetitions(measurement)


def _problems_of_repetitions(measurement: Measurement) -> Iterator[str]:
    if not 1 <= len(measurement.repetitions) <= MAX_REPETITIONS:
        yield f"it has {len(measurement.repetitions)} repetitions, of 1 to {MAX_REPETITIONS}"
    if not all(map(_has_times, measurement.repetitions)):
        yield "a repetition has no samples, or such as take no time or hours"
    for repetition in measurement.repetitions:
        # What no agent may report, no file may, either.
        if doubt := doubt_of_repetition(repetition):
            yield f"a repetition has {doubt}"
        if wrong_output(repetition.output_check, measurement.output_tolerance):
            yield "the outputs of a repetition are wrong, so that its figures are of nothing"


def differ(settings: MeasureSettings, measurement: Measurement) -> bool:
    """Say whether settings are of something else than a measurement."""
    told = settings.runtime, settings.threads
    has_pace = {each.paced is not None for each in measurement.repetitions}
    is_of_pace = has_pace == {bool(settings.paced_fps)}
    return told != (measurement.runtime, measurement.threads) or not is_of_pace


def may_be_asked(settings: MeasureSettings) -> bool:
    """Whether a sweep may: a verdict is judged by what was asked for."""
    return (
        0 < settings.relative_half_width <= MAX_RELATIVE_HALF_WIDTH
        and 0 < settings.time_budget_ms <= MAX_TIME_BUDGET_MS
        and settings.sustained_minutes <= MAX_MINUTES
        and (not settings.paced_fps or MIN_FPS <= settings.paced_fps <= MAX_FPS)
        and not settings.profile_runs
    )


def _has_plain_reasons(reasons: Sequence[Reason]) -> bool:
    return len(reasons) <= _MAX_REASONS and all(
        len(each.figures) + len(each.words) <= _MAX_REASONS
        and all(len(word) <= MAX_DETAIL_LENGTH for word in each.words.values())
        for each in reasons
    )


def _has_numbers(measurement: Measurement) -> bool:
    moments = (
        measurement.measured_at_unix_ms,
        *(state.taken_at_unix_ms for each in measurement.repetitions for state in states_of(each)),
    )
    return (
        0 < measurement.artifact_size_bytes < _LARGEST
        and 0 < measurement.batch <= MAX_BATCH
        and 0 < measurement.threads <= MAX_THREADS
        and 0 <= measurement.repetitions_wanted <= MAX_REPETITIONS
        and all(0 <= moment <= MAX_UNIX_MS for moment in moments)
        and len(measurement.affinity) <= _MAX_CORES
        and all(0 <= core < _MAX_CORES for core in measurement.affinity)
    )


def _has_times(repetition: Repetition) -> bool:
    times = (*repetition.latency_ns, *repetition.warmup_ns, repetition.load_ns)
    sizes = (repetition.peak_rss_bytes, repetition.baseline_rss_bytes)
    are_sizes = all(0 <= each < _LARGEST for each in sizes)
    are_threads = 0 <= repetition.busy_threads <= _MAX_SIGNED
    are_times = bool(repetition.latency_ns) and all(0 < t < _LONGEST_NS for t in times)
    return are_times and are_sizes and are_threads


def is_text(text: str) -> bool:
    """Say whether people can read a text, and it is not too long."""
    return len(text) <= _MAX_TEXT and text.isprintable()
