"""What a person may ask for: the ranges, and a sentence for what lies outside of them."""

import math
from collections.abc import Iterable, Iterator

from controller.domain.conversions import ConversionSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import (
    MAX_CELSIUS,
    MAX_FPS,
    MAX_JOBS,
    MAX_MINUTES,
    MAX_NAME_LENGTH,
    MAX_PRIORITY,
    MAX_RELATIVE_HALF_WIDTH,
    MAX_REPETITIONS,
    MAX_START_DEADLINE_MS,
    MAX_SWEEP_TIME_MS,
    MAX_THREADS,
    MAX_TIME_BUDGET_MS,
    MAX_TURNS,
    MIN_FPS,
    MIN_TIME_BUDGET_MS,
    SweepSpec,
)
from controller.domain.sweeps.races import MAX_CONFIDENCE, MIN_CONFIDENCE
from protos.inputs import MAX_BATCH
from protos.measuring import StartGate
from protos.runtimes import Runtime


def check_variants(spec: SweepSpec | ConversionSpec) -> None:
    """Refuses batches out of their range, and accelerators that are none.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    for batch in spec.batches:
        if not 1 <= batch <= MAX_BATCH:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, f"the batch must be 1 to {MAX_BATCH} images, not {batch}"
            )
    if not all(each.is_accelerator for each in spec.accelerators):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "accelerators are opencl and nnapi; what processors run is made by itself",
        )


def check_size(spec: SweepSpec | ConversionSpec, *factors: int) -> None:
    """Refuses more at once than a controller should hold, before anything of it is made.

    Args:
        spec: what is asked for.
        factors: how many times that is wanted: the number of devices, for one.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    of_variants = (spec.backbones, spec.precisions, spec.input_sizes, spec.batches)
    of_settings = (
        (spec.runtimes or tuple(Runtime), spec.threads) if isinstance(spec, SweepSpec) else ()
    )
    choices = (len(set(each)) for each in (*of_variants, *of_settings))
    count = math.prod((*factors, *(max(1, number) for number in choices)))
    if count > MAX_JOBS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"that would be {count:,} jobs at once, and {MAX_JOBS:,} may be; ask for a part of it",
        )
    turns = count * spec.fewest_repetitions if isinstance(spec, SweepSpec) else 0
    if turns > MAX_TURNS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"that would be {turns:,} repetitions of {count:,} jobs at once, and {MAX_TURNS:,} may "
            "be; ask for a part of it, or for fewer repetitions to begin with",
        )


def check_settings(spec: SweepSpec) -> None:
    """Refuses a sweep that asks for what nothing can do.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    checks = (
        (bool(spec.backbones), "name at least one backbone"),
        (
            bool(spec.threads) and all(1 <= count <= MAX_THREADS for count in spec.threads),
            f"threads must be 1 to {MAX_THREADS}",
        ),
        (
            1 <= spec.fewest_repetitions <= spec.most_repetitions <= MAX_REPETITIONS,
            f"repetitions must be 1 to {MAX_REPETITIONS}, "
            f"not {spec.fewest_repetitions} to {spec.most_repetitions}",
        ),
        (
            spec.time_ms is None or 1 <= spec.time_ms <= MAX_SWEEP_TIME_MS,
            f"the time of a sweep must be above 0 and at most {MAX_SWEEP_TIME_MS // 3_600_000} h, "
            f"not {spec.time_ms} ms",
        ),
        (
            0 < spec.relative_half_width <= MAX_RELATIVE_HALF_WIDTH,
            f"the precision must be above 0 % and at most {MAX_RELATIVE_HALF_WIDTH:.0%}, "
            f"not {spec.relative_half_width:.3%}",
        ),
        (
            MIN_TIME_BUDGET_MS <= spec.time_budget_ms <= MAX_TIME_BUDGET_MS,
            f"the time budget must be {MIN_TIME_BUDGET_MS} ms to {MAX_TIME_BUDGET_MS // 1000} s, "
            f"not {spec.time_budget_ms} ms",
        ),
        *_gate_checks(spec.gate),
        (
            0 <= spec.sustained_minutes <= MAX_MINUTES,
            f"sustained inference lasts 1 to {MAX_MINUTES} minutes, not {spec.sustained_minutes}",
        ),
        (
            not spec.paced_fps or MIN_FPS <= spec.paced_fps <= MAX_FPS,
            f"frames come {MIN_FPS} to {MAX_FPS} times a second, not {spec.paced_fps:g}",
        ),
        (
            not (spec.paced_fps and spec.sustained_minutes),
            "inference is sustained without a pause, or paced with them: ask for one of both",
        ),
        *_urgency_checks(spec),
        *_race_checks(spec),
        (
            may_name(spec.name),
            f"a sweep cannot be named {spec.name!r}: take at most {MAX_NAME_LENGTH} characters "
            "without a comma, a colon, or a blank at an end",
        ),
    )
    _refuse(checks)


def check_urgency(spec: SweepSpec) -> None:
    """Refuses a priority or a deadline that cannot be.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    _refuse(_urgency_checks(spec))


def may_name(name: str) -> bool:
    """Whether a sweep may have a name: any script, and nothing that means more in a selector."""
    return (
        len(name) <= MAX_NAME_LENGTH
        and name == name.strip()
        and (name.isprintable() and not set(name) & set(",:"))
    )


def _refuse(checks: Iterable[tuple[bool, str]]) -> None:
    for holds, sentence in checks:
        if not holds:
            raise EdgerankError(ErrorCode.INVALID_INPUT, sentence)


def _urgency_checks(spec: SweepSpec) -> Iterator[tuple[bool, str]]:
    yield (
        -MAX_PRIORITY <= spec.priority <= MAX_PRIORITY,
        f"the priority must be -{MAX_PRIORITY} to {MAX_PRIORITY}, not {spec.priority}",
    )
    yield (
        spec.deadline_unix_ms is None or spec.deadline_unix_ms > 0,
        f"a deadline is a time since 1970, not {spec.deadline_unix_ms} ms",
    )


def _race_checks(spec: SweepSpec) -> Iterator[tuple[bool, str]]:
    """Whether a race can be decided, with the sentence that says what could."""
    race = spec.race
    if race is None:
        return
    limit = race.max_latency_ms
    yield (
        limit is None or (limit > 0 and math.isfinite(limit)),
        f"the limit of latency must be above 0, not {limit} ms",
    )
    yield (
        MIN_CONFIDENCE <= race.confidence <= MAX_CONFIDENCE,
        f"the confidence must be {MIN_CONFIDENCE:.0%} to {MAX_CONFIDENCE:.2%}, "
        f"not {race.confidence:.2%}",
    )
    yield (
        not (spec.sustained_minutes or spec.paced_fps),
        "a race is of inference back to back: sweep without it for sustained or paced figures",
    )


def _gate_checks(gate: StartGate) -> Iterator[tuple[bool, str]]:
    """Whether each condition can hold, with the sentence that says what would."""
    celsius, load, charge = gate.max_celsius, gate.max_load_by_others, gate.min_battery_percent
    # A limit that is no number is in no range.
    yield (
        celsius is None or 0 < celsius <= MAX_CELSIUS,
        f"the temperature to start below must be above 0 and at most {MAX_CELSIUS} °C, "
        f"not {celsius} °C",
    )
    yield (
        load is None or 0 < load <= MAX_THREADS,
        f"the load by others to start at must be above 0 and at most {MAX_THREADS} cores, "
        f"not {load}",
    )
    yield (
        charge is None or 1 <= charge <= 100,
        f"the charge to start from must be 1 to 100 %, not {charge} %",
    )
    yield (
        0 <= gate.deadline_ms <= MAX_START_DEADLINE_MS,
        f"a start may wait 0 to {MAX_START_DEADLINE_MS // 1000} s, not {gate.deadline_ms} ms",
    )
