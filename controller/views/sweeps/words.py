"""What is said of a sweep, of its plan, and of what none has measured."""

from collections.abc import Sequence
from typing import Final

from controller.domain.jobs import PlanEstimate, PlanGroup
from controller.domain.quantities import format_number
from controller.domain.sweeps import Pause, StartedSweep
from controller.views.counting import counted, first_of, minute

_MS_PER_MINUTE = 60_000
_NAMES_SHOWN: Final = 12


def before_words(before: int, total: int) -> str:
    """How many jobs were measured alike before."""
    verb = "was" if before == 1 else "were"
    return f"{before:,} of {counted(total, 'job')} {verb} measured before (--fresh measures again)"


def group_words(group: PlanGroup) -> str:
    """What the jobs of a group share besides their device."""
    size = [] if group.input_size is None else [f"{group.input_size} px"]
    batch = [] if group.batch is None else [f"batch {group.batch}"]
    threads = counted(group.threads, "thread")
    return ", ".join((group.runtime.value, threads, group.precision.value, *size, *batch))


def retry_words(started: StartedSweep, *, is_new: bool) -> str:
    """Which sweep does what another one left undone."""
    again = f"sweep {started.sweep_id}: {counted(started.job_count, 'job')} again"
    if started.measured_before:
        again += f", beside {counted(started.measured_before, 'figure')} of before"
    if is_new:
        return again
    return (
        f"{again}; it was started before, and 'edgerank retry {started.sweep_id}' retries what "
        "failed in it"
    )


def pause_words(pause: Pause) -> str:
    """That a sweep gives out no work, by whom, and since when."""
    by = f" by {pause.by}" if pause.by else ""
    return f"paused{by} since {minute(pause.since_unix_ms)} UTC"


def urgency_words(priority: int, deadline_unix_ms: int | None) -> str:
    """How urgent a sweep is."""
    until = "" if deadline_unix_ms is None else f", until {minute(deadline_unix_ms)} UTC"
    return f"priority {priority:+d}{until}" if priority else f"priority 0{until}"


def time_words(expected_ms: int) -> str:
    """A time that people wait for: under 1 min, 12 min, 3 h 5 min, 2 d 4 h."""
    minutes = round(expected_ms / _MS_PER_MINUTE)
    if minutes < 1:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, left = divmod(hours, 24)
    return f"{days} d {left} h" if left else f"{days} d"


def basis_words(estimate: PlanEstimate) -> str:
    """What an estimate is made of, and of how many jobs."""
    parts = {
        "what jobs took here": estimate.known_here,
        "what they took on other devices": estimate.known_elsewhere,
        "the time that a job has": estimate.jobs - estimate.known_here - estimate.known_elsewhere,
    }
    return ", ".join(f"{words} ({count:,})" for words, count in parts.items() if count)


def held_words(estimate: PlanEstimate) -> str:
    """How far estimates were off before."""
    if estimate.earlier_ratio is None:
        return "no history of estimates here"
    sweeps = counted(estimate.earlier_sweeps, "sweep")
    return f"{sweeps} before took {format_number(estimate.earlier_ratio)} times as long as expected"


def unmeasured_words(names: Sequence[str]) -> str:
    """Say which backbones could win and have no measurement, the first of many by name."""
    listed = first_of(names, _NAMES_SHOWN)
    if len(names) == 1:
        return f"1 backbone qualifies by its accuracy and has no measurement: {listed}."
    return f"{len(names)} backbones qualify by their accuracy and have no measurement: {listed}."
