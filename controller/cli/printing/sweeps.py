"""Sweeps on the terminal: those there are, and what one would measure."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.cli.printing.telling import print_line
from controller.domain.jobs import SweepPlan
from controller.domain.sweeps import SweepPhase, SweepSummary
from controller.views.counting import counted, minute
from controller.views.reasons.folding import left_out_lines
from controller.views.sweeps.words import (
    basis_words,
    before_words,
    group_words,
    held_words,
    time_words,
)

SHOWN_BACKBONES = 12
_STYLES = {SweepPhase.ENDED: "green", SweepPhase.CANCELLED: "yellow"}


def print_sweeps(console: Console, sweeps: Sequence[SweepSummary]) -> None:
    """Print sweeps, a line each: id and name, state, start, devices, jobs."""
    if not sweeps:
        console.print(Text("no sweeps; 'edgerank sweep --models NAME' starts one"))
        return
    table = Ledger(
        "sweep",
        Column("state"),
        Column("started, UTC"),
        Column("jobs", is_right=True),
        Column("devices"),
    )
    for sweep in sweeps:
        name = Text(sweep.sweep_id)
        if sweep.name:
            name.append(f"\n{sweep.name}", style="bold")
        for words in _urgency(sweep):
            name.append(f"\n{words}", style="dim")
        table.add_row(
            name,
            _state(sweep),
            minute(sweep.created_at_unix_ms),
            _jobs(sweep),
            "\n".join(sweep.devices),
        )
    console.print(table)


def print_plan(console: Console, plan: SweepPlan) -> None:
    """Print what a sweep would measure: jobs, files, what is left out, and the time by device."""
    to_measure = plan.jobs_total - plan.jobs_measured_before
    print_line(console, f"{counted(to_measure, 'job')} to measure")
    if plan.jobs_measured_before:
        print_line(console, before_words(plan.jobs_measured_before, plan.jobs_total))
    console.print()
    console.print(_groups(plan))
    further = [*_artifacts(plan), *left_out_lines(plan.left_out)]
    if further:
        console.print()
    for line in further:
        print_line(console, line)
    if plan.estimates:
        console.print()
        console.print(_times(plan))


def _groups(plan: SweepPlan) -> Ledger:
    table = Ledger(
        "device",
        Column("settings"),
        Column("to measure", is_right=True),
        Column("before", is_right=True),
    )
    for group in plan.groups:
        to_measure = group.jobs_total - group.jobs_measured_before
        before = f"{group.jobs_measured_before:,}"
        table.add_row(group.device, group_words(group), f"{to_measure:,}", before)
    return table


def _artifacts(plan: SweepPlan) -> Iterator[str]:
    if plan.artifacts_total:
        yield f"artifacts: {plan.artifacts_stored:,} of {plan.artifacts_total:,} are there"
    if plan.backbones_to_convert:
        shown = ", ".join(plan.backbones_to_convert[:SHOWN_BACKBONES])
        more = len(plan.backbones_to_convert) - SHOWN_BACKBONES
        yield f"to convert: {shown}" + (f" and {more:,} more" if more > 0 else "")


def _times(plan: SweepPlan) -> Ledger:
    table = Ledger("device", Column("measuring takes about", is_right=True), Column("known from"))
    for each in plan.estimates:
        by = Text(basis_words(each))
        by.append(f"\n{held_words(each)}", style="dim")
        table.add_row(each.device, time_words(each.expected_ms), by)
    return table


def _urgency(sweep: SweepSummary) -> Iterator[str]:
    if sweep.started_by:
        yield f"by {sweep.started_by}"
    if sweep.retry_of:
        yield f"retries {sweep.retry_of}"
    if sweep.priority:
        yield f"priority {sweep.priority:+d}"
    if sweep.deadline_unix_ms is not None:
        yield f"until {minute(sweep.deadline_unix_ms)}"


def _state(sweep: SweepSummary) -> Text:
    state = Text(sweep.phase.value, style=_STYLES.get(sweep.phase, "cyan"))
    if sweep.paused is not None:
        by = f"\nby {sweep.paused.by}" if sweep.paused.by else ""
        state.append(f"\npaused{by}", style="yellow")
    return state


def _jobs(sweep: SweepSummary) -> Text:
    if sweep.is_profile:
        return Text("profile")
    jobs = Text(f"{sweep.jobs_ended:,} of {sweep.jobs_total:,}")
    if sweep.jobs_failed:
        jobs.append(f"\n{sweep.jobs_failed:,} failed", style="red")
    if sweep.jobs_measured_before:
        jobs.append(f"\n{sweep.jobs_measured_before:,} before", style="dim")
    return jobs
