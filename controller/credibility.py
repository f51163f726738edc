"""What an agent may report and how a device may be named: what comes over the wire can be anything.

A report that can never be committed would be sent again forever, so it becomes a failure that can.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

from controller.conversation import Failure, FailureReason, Hello, Measured, Report
from controller.cores import format_cores
from controller.domain import DeviceState, Repetition
from controller.errors import EdgerankError, ErrorCode
from controller.minutes import MAX_MINUTES
from controller.names import is_name

# SQLite's integers are signed.
MAX_INTEGER = 2**63 - 1
MAX_LABELS = 64
MAX_LABEL_LENGTH = 128
# What selects every device cannot name one.
_RESERVED_NAME = "all"


def check_hello(hello: Hello) -> None:
    """Refuses a device that could not be selected or shown.

    Raises:
        EdgerankError: INVALID_INPUT, saying what a name or label may be.
    """
    if not is_name(hello.name) or hello.name == _RESERVED_NAME:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{hello.name!a} cannot name a device: a name is 1 to 64 letters, digits, '.', '_' or "
            f"'-', begins with a letter or digit, and is not '{_RESERVED_NAME}'; start the agent "
            "with another --name",
        )
    bad = [
        key
        for key, value in hello.labels.items()
        if not is_name(key) or len(value) > MAX_LABEL_LENGTH or not value.isprintable()
    ]
    if bad or len(hello.labels) > MAX_LABELS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the labels of {hello.name} cannot be kept: there may be {MAX_LABELS}, with keys "
            f"spelt as names and printable values of at most {MAX_LABEL_LENGTH} characters",
        )


def credible(report: Report, cores: tuple[int, ...] = ()) -> Report:
    """The report itself, or a failure that says what in it cannot be.

    With cores, ascending, the children must have run on these: agents of another version read no
    settings that they do not know.
    """
    if report.measured is None:
        return report
    doubt = _doubt(report.measured) or _doubt_of_cores(report.measured, cores)
    if not doubt:
        return report
    detail = f"the agent reported {doubt}"
    return replace(
        report, measured=None, failure=Failure(reason=FailureReason.RUBBISH, detail=detail)
    )


def _doubt(measured: Measured) -> str:
    repetitions = measured.repetitions
    if len(repetitions) != 1:
        return f"{len(repetitions)} repetitions, where one was leased"
    return _doubt_of_repetition(repetitions[0])


def _doubt_of_cores(measured: Measured, cores: tuple[int, ...]) -> str:
    if not cores or measured.affinity == cores:
        return ""
    ran_on = format_cores(measured.affinity) or "unknown ones"
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
    return ""


def _measured_floats(taken: Repetition) -> Iterator[float]:
    for state in filter(None, (taken.before, *taken.during, taken.after)):
        yield from _floats(state)


def _floats(state: DeviceState) -> Iterator[float]:
    yield from (temperature.celsius for temperature in state.temperatures)
    told = (
        state.load_average,
        state.load_by_others,
        state.waiting_share,
        *(each.watts for each in state.power),
    )
    yield from (figure for figure in told if figure is not None)
