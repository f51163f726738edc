"""What an agent may report and how a device may be named: what comes over the wire can be anything.

A report that can never be committed would be sent again forever, so it becomes a failure that can,
and its agent is told so.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from controller.domain.cores import format_cores
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import TraceDoubtful, unpack_trace
from controller.domain.sweeps import MAX_MINUTES, MAX_START_DEADLINE_MS
from protos.device import DeviceState
from protos.fleet import (
    PROTOCOL,
    Hello,
    Measured,
    Profiled,
    Report,
    failed,
    speaks_ours,
)
from protos.measuring import (
    LayerTime,
    MeasureSettings,
    OutputCheck,
    PacedSamples,
    ProviderUse,
    Repetition,
)
from protos.names import (
    EVERY_DEVICE,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    are_labels,
    is_device_name,
    is_name,
)
from protos.reasons import Reason, ReasonCode

MAX_REASONS = 4
# A tool's last words are cut far below it.
MAX_DETAIL_LENGTH = 10_000
_DETAIL_ALONE = (frozenset[str](), frozenset({"detail"}))


def _figures_alone(*names: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(names), frozenset()


# What a start gate waits for.
_IN_THE_WAY = {
    ReasonCode.BATTERY_LOW: _figures_alone("charge_percent", "least_percent"),
    ReasonCode.PROCESSOR_WARM: _figures_alone("celsius", "limit_celsius"),
    ReasonCode.PROCESSOR_ABOVE_REST: _figures_alone("celsius", "limit_celsius"),
    ReasonCode.CORES_TAKEN: _figures_alone("load_by_others", "most"),
}

# With the names of its figures, and of its words.
_SAID_BY_AGENTS = {
    ReasonCode.ARTIFACT_BROKEN: _DETAIL_ALONE,
    ReasonCode.ARTIFACT_DAMAGED: _DETAIL_ALONE,
    ReasonCode.NO_RUNTIME: _DETAIL_ALONE,
    ReasonCode.RUNTIME_ERROR: _DETAIL_ALONE,
    ReasonCode.CRASHED: _DETAIL_ALONE,
    ReasonCode.TIMED_OUT: _DETAIL_ALONE,
    ReasonCode.RUBBISH: _DETAIL_ALONE,
    ReasonCode.OUT_OF_MEMORY: _DETAIL_ALONE,
    ReasonCode.ATTEMPT_CANCELLED: _DETAIL_ALONE,
    ReasonCode.NOT_READY: _figures_alone("deadline_ms"),
    **_IN_THE_WAY,
}

# A last look after the deadline may wait for a stuck sensor.
MAX_WAITED_MS = 2 * MAX_START_DEADLINE_MS
# SQLite's integers are signed.
MAX_INTEGER = 2**63 - 1
# 31 December 9999: no calendar of ours goes further.
MAX_UNIX_MS = 253_402_300_799_999
# More than come in a repetition's longest time on a clock, at the most frames a second.
MAX_FRAMES = 20_000
_MOST_WATTS = 1e6
# A day.
MAX_LATENCY_NS = 86_400_000_000_000
MAX_LAYERS = 20_000
# Three names, and the shapes of an operator that splits into many.
MAX_LAYER_WORDS = 200
MAX_LAYER_WORD = 1_000


def check_hello(hello: Hello) -> None:
    """Refuses a device that could not be understood, selected or shown.

    Raises:
        EdgerankError: INVALID_INPUT, saying what an id, a name or a label may be.
    """
    if not speaks_ours(hello.protocol):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the agent speaks protocol {hello.protocol} and this controller {PROTOCOL}: "
            "use the same edgerank version on both sides",
        )
    check_name(hello.name)
    if not is_name(hello.device_id):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{hello.name} has no id that a device may have: its agent makes one at its first "
            "start; start it with a new state folder",
        )
    if not are_labels(hello.labels):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the labels of {hello.name} cannot be kept: there may be {MAX_LABELS}, with keys "
            f"spelt as names and printable values of at most {MAX_LABEL_LENGTH} characters",
        )


def check_name(name: str) -> None:
    """Refuses a name by which nobody could select a device.

    Raises:
        EdgerankError: INVALID_INPUT, saying what a name may be.
    """
    if not is_device_name(name):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{name!r} cannot name a device: a name is 1 to 64 letters, digits, '.', '_' or '-', "
            f"begins with a letter or digit, and is not '{EVERY_DEVICE}'; give it another name",
        )


def credible(report: Report, cores: tuple[int, ...] = ()) -> Report:
    """The report itself, or a failure that says what in it cannot be.

    With cores, ascending, the children must have run on these: agents of another version read no
    settings that they do not know.
    """
    doubt = _doubt_of_times(report)
    if doubt:
        # What cannot be is not kept either.
        report = replace(report, started_at_unix_ms=0, ended_at_unix_ms=0)
    elif report.measured is not None:
        taken = report.measured
        doubt = _doubt_of_repetition(taken.repetition) or _doubt_of_cores(taken, cores)
    elif report.profiled is not None:
        doubt = _doubt_of_profile(report.profiled) or _doubt_of_cores(report.profiled, cores)
    elif report.failure is not None and not are_of_agents(report.failure.reasons):
        doubt = "a failure whose reasons make no sense"
    if report.waited_ms > MAX_WAITED_MS:
        doubt = "a start that waited longer than any may"
    return _rubbish(report, f"the agent reported {doubt}") if doubt else report


def are_of_agents(reasons: Sequence[Reason]) -> bool:
    """Whether an agent may say so: at least one reason, each with all that its sentence needs."""
    return 1 <= len(reasons) <= MAX_REASONS and all(map(_is_of_agents, reasons))


def _is_of_agents(told: Reason) -> bool:
    wanted = _SAID_BY_AGENTS.get(told.code)
    return (
        wanted == (frozenset(told.figures), frozenset(told.words))
        and all(map(math.isfinite, told.figures.values()))
        and all(len(word) <= MAX_DETAIL_LENGTH for word in told.words.values())
    )


def answering(report: Report, settings: MeasureSettings) -> Report:
    """The report itself, or a failure when it answers another question than the settings ask."""
    if report.measured is not None and settings.profile_runs:
        return _rubbish(
            report, "the agent measured instead of profiling; update edgerank on that device"
        )
    has_pace = report.measured is not None and report.measured.repetition.paced is not None
    if report.measured is not None and has_pace is not bool(settings.paced_fps):
        return _rubbish(
            report,
            "the agent measured another pace than was asked for; update edgerank on that device",
        )
    if report.profiled is not None and report.profiled.times.run_count != settings.profile_runs:
        taken = report.profiled.times.run_count
        return _rubbish(
            report, f"the agent profiled {taken} inferences instead of {settings.profile_runs}"
        )
    return report


def _rubbish(report: Report, detail: str) -> Report:
    # It may list all that an agent said.
    failure = failed(ReasonCode.RUBBISH, detail[:MAX_DETAIL_LENGTH])
    waited_ms = report.waited_ms if report.waited_ms <= MAX_WAITED_MS else 0
    return replace(report, measured=None, profiled=None, failure=failure, waited_ms=waited_ms)


def _doubt_of_start(unready: Reason | None) -> str:
    if unready is None or (unready.code in _IN_THE_WAY and are_of_agents((unready,))):
        return ""
    return "a start before the device was ready for a reason that makes no sense"


def _doubt_of_times(report: Report) -> str:
    states = _states(report.measured.repetition) if report.measured else ()
    told = (
        report.started_at_unix_ms,
        report.ended_at_unix_ms,
        *(state.taken_at_unix_ms for state in states),
    )
    return "" if all(0 <= time <= MAX_UNIX_MS for time in told) else "a time that no calendar has"


def _doubt_of_cores(taken: Measured | Profiled, cores: tuple[int, ...]) -> str:
    if not cores or taken.affinity == cores:
        return ""
    ran_on = format_cores(taken.affinity) or "unknown ones"
    return (
        f"figures of the cores {ran_on}, not of {format_cores(cores)}; use the same edgerank "
        "version on both sides"
    )


def _doubt_of_repetition(taken: Repetition) -> str:
    if not taken.latency_ns:
        return "no samples"
    if not all(0 < sample <= MAX_INTEGER for sample in taken.latency_ns):
        return "a latency that is not above 0"
    counts = taken.samples_per_minute
    if counts and (len(counts) > MAX_MINUTES or sum(counts) != len(taken.latency_ns)):
        return "minutes whose samples are not those of the whole"
    sizes = (taken.load_ns, taken.peak_rss_bytes, taken.baseline_rss_bytes, taken.pss_bytes or 0)
    divided = vars(taken.memory).values() if taken.memory else ()
    if not all((size or 0) <= MAX_INTEGER for size in (*taken.warmup_ns, *sizes, *divided)):
        return "a figure that is too large"
    if not all(map(math.isfinite, _measured_floats(taken))):
        return "a temperature, load or power that is no number"
    return (
        _doubt_of_providers(taken.providers)
        or _doubt_of_pace(taken.paced)
        or _doubt_of_power(taken)
        or _doubt_of_outputs(taken.output_check)
        or _doubt_of_start(taken.started_unready)
    )


def _doubt_of_providers(uses: Sequence[ProviderUse]) -> str:
    makes_sense = len(uses) <= MAX_LAYER_WORDS and all(
        len(use.provider) <= MAX_LAYER_WORD
        and 1 <= use.node_count <= MAX_LAYERS
        and use.total_ns <= MAX_INTEGER
        for use in uses
    )
    return "" if makes_sense else "execution providers that make no sense"


def _doubt_of_pace(paced: PacedSamples | None) -> str:
    if paced is None:
        return ""
    if not 1 <= len(paced.latency_ns) == len(paced.delay_ns) <= MAX_FRAMES:
        return "frames that are not those of inference on a clock"
    told = (*paced.latency_ns, *paced.delay_ns)
    if not all(0 <= each <= MAX_LATENCY_NS for each in told) or 0 in paced.latency_ns:
        return "a latency on a clock that cannot be"
    if sum(told) > MAX_LATENCY_NS:
        return "frames that took longer than a day"
    return ""


def _doubt_of_power(taken: Repetition) -> str:
    readings = (each.watts for state in _states(taken) for each in state.power)
    makes_sense = all(watts is None or abs(watts) <= _MOST_WATTS for watts in readings)
    return "" if makes_sense else "a power that no device takes"


def _doubt_of_outputs(check: OutputCheck | None) -> str:
    """What cannot be of outputs; that they are wrong can."""
    if check is None:
        return ""
    differences = (check.max_relative_difference, check.l2_relative_difference)
    known = [each for each in differences if each is not None]
    shares = (check.top1_agreement or 0.0, check.nonfinite_share)
    if not all(math.isfinite(each) and each >= 0 for each in known):
        return "a difference of outputs that is no number"
    if not all(0 <= share <= 1 for share in shares):
        return "a share of outputs that is not from 0 to 1"
    says_why = check.is_other_shape or check.nonfinite_share > 0
    if not check.input_count or (len(known) < len(differences) and not says_why):
        return "outputs that were compared and not told of"
    return ""


def _doubt_of_profile(profiled: Profiled) -> str:
    times = profiled.times
    layers = times.layers
    medians_ns = (times.run_median_ns, *(layer.median_ns for layer in layers))
    checks = (
        (1 <= len(layers) <= MAX_LAYERS, f"a profile of {len(layers)} layers"),
        (
            times.run_median_ns > 0 and times.total_ns <= MAX_INTEGER,
            "inferences that took no time, or too much",
        ),
        (max(medians_ns) <= times.total_ns, "a median longer than all inferences together"),
        (times.unprofiled_run_median_ns <= MAX_INTEGER, "a figure that is too large"),
        (
            all(layer.total_ns <= times.total_ns for layer in layers),
            "a layer that took longer than all inferences together",
        ),
        (
            all(1 <= layer.call_count <= MAX_INTEGER for layer in layers),
            "a layer that never ran, or too often",
        ),
        (all(map(_has_fitting_words, layers)), "a layer whose name or shape is too long"),
    )
    doubt = next((sentence for holds, sentence in checks if not holds), "")
    return (
        doubt or _doubt_of_trace(profiled.trace_gzip) or _doubt_of_start(profiled.started_unready)
    )


def _doubt_of_trace(trace_gzip: bytes) -> str:
    try:
        unpack_trace(trace_gzip)
    except TraceDoubtful as doubt:
        return str(doubt)
    return ""


def _has_fitting_words(layer: LayerTime) -> bool:
    words = (layer.name, layer.operator, layer.execution_provider, *layer.output_shapes)
    return len(words) <= MAX_LAYER_WORDS and all(len(word) <= MAX_LAYER_WORD for word in words)


def _measured_floats(taken: Repetition) -> Iterator[float]:
    for state in _states(taken):
        yield from _floats(state)


def _states(taken: Repetition) -> Iterator[DeviceState]:
    return filter(None, (*taken.at_rest, taken.before, *taken.during, taken.after))


def _floats(state: DeviceState) -> Iterator[float]:
    yield from (temperature.celsius for temperature in state.temperatures)
    told = (
        state.load_average,
        state.load_by_others,
        state.waiting_share,
        *(each.watts for each in state.power),
    )
    yield from (figure for figure in told if figure is not None)
