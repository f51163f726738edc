"""Sweeps on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.sweeps import SweepPhase, SweepSummary
from controller.views.counting import minute

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
        table.add_row(
            name,
            Text(sweep.phase.value, style=_STYLES.get(sweep.phase, "cyan")),
            minute(sweep.created_at_unix_ms),
            _jobs(sweep),
            "\n".join(sweep.devices),
        )
    console.print(table)


def _jobs(sweep: SweepSummary) -> Text:
    if sweep.is_profile:
        return Text("profile")
    jobs = Text(f"{sweep.jobs_ended:,} of {sweep.jobs_total:,}")
    if sweep.jobs_failed:
        jobs.append(f"\n{sweep.jobs_failed:,} failed", style="red")
    return jobs
