"""What an agent may report and how a device may be named: what comes over the wire can be anything.

A report that can never be committed would be sent again forever, so it becomes a failure that can,
and its agent is told so.
"""

from dataclasses import replace

from controller.domain.cores import format_cores
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import MAX_START_DEADLINE_MS
from controller.fleet.credibility.profiles import doubt_of_profile
from controller.fleet.credibility.repetitions import doubt_of_repetition, states_of
from controller.fleet.credibility.saying import MAX_DETAIL_LENGTH, are_of_agents
from protos.fleet import (
    PROTOCOL,
    Hello,
    Measured,
    Profiled,
    Report,
    failed,
    speaks_ours,
)
from protos.measuring import MeasureSettings
from protos.names import (
    EVERY_DEVICE,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    are_labels,
    is_device_name,
    is_name,
)
from protos.reasons import ReasonCode

# A last look after the deadline may wait for a stuck sensor.
MAX_WAITED_MS = 2 * MAX_START_DEADLINE_MS
# 31 December 9999: no calendar of ours goes further.
MAX_UNIX_MS = 253_402_300_799_999


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
        doubt = doubt_of_repetition(taken.repetition) or _doubt_of_cores(taken, cores)
    elif report.profiled is not None:
        doubt = doubt_of_profile(report.profiled) or _doubt_of_cores(report.profiled, cores)
    elif report.failure is not None and not are_of_agents(report.failure.reasons):
        doubt = "a failure whose reasons make no sense"
    if report.waited_ms > MAX_WAITED_MS:
        doubt = "a start that waited longer than any may"
    return _rubbish(report, f"the agent reported {doubt}") if doubt else report


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


def _doubt_of_times(report: Report) -> str:
    states = states_of(report.measured.repetition) if report.measured else ()
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
