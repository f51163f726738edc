"""Sweeps on the terminal."""

from collections.abc import Sequence
from datetime import datetime, timezone

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.sweeps import SweepPhase, SweepSummary

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
            _moment(sweep.created_at_unix_ms),
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


def _moment(unix_ms: int) -> str:
    return f"{datetime.fromtimestamp(unix_ms / 1000, tz=timezone.utc):%Y-%m-%d %H:%M}"
