"""Runs many fault schedules, and ends with a table of what was tried.

One that failed is named with what was wrong, where it left its state and logs, and how to run it
again.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.faults.judging.tables import table_of_runs
from tests.faults.running import Run, run_all
from tests.faults.schedules import Kind, draw
from tests.faults.template import make_template

PROGRESS_S = 10.0
# Each computes for a second and takes ten.
AT_ONCE_A_CORE = 8


@click.command(help=__doc__)
@click.option("--count", default=5_000, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, help="The first one.")
@click.option(
    "--at-once",
    default=AT_ONCE_A_CORE * (os.cpu_count() or 1),
    show_default=True,
    type=click.IntRange(1),
)
@click.option("--list", "is_list", is_flag=True, help="Show the faults of the seeds, run nothing.")
def soak(count: int, seed: int, at_once: int, is_list: bool) -> None:
    """Exit code 1 when anything was wrong."""
    seeds = range(seed, seed + count)
    if is_list:
        for each in seeds:
            click.echo("\n".join(_described(each)))
        return
    runs = asyncio.run(_run(seeds, at_once))
    click.echo("\n".join(table_of_runs(Kind, runs, "schedules")))
    sys.exit(1 if any(run.violations for run in runs) else 0)


async def _run(seeds: range, at_once: int) -> list[Run]:
    folder = Path(tempfile.mkdtemp(prefix="edgerank-schedules-"))
    template = make_template(folder / "template")
    runs: list[Run] = []
    told_s = time.monotonic()
    async for run in run_all(seeds, template, folder, at_once):
        runs.append(run)
        if run.violations:
            click.echo("\n".join(failed_lines(run)))
        if time.monotonic() - told_s >= PROGRESS_S or len(runs) == len(seeds):
            told_s = time.monotonic()
            failed = sum(bool(each.violations) for each in runs)
            faults = sum(len(each.struck) for each in runs)
            click.echo(f"{len(runs)} of {len(seeds)} schedules, {faults} faults, {failed} failed")
    return runs


def _described(seed: int) -> Iterator[str]:
    schedule = draw(seed)
    way = "TLS" if schedule.is_secured else "plain"
    yield f"seed {seed}: {schedule.agents} agents, {way}, {', '.join(schedule.backbones)}"
    yield from (f"  {fault}" for fault in schedule.faults)


def failed_lines(run: Run) -> Iterator[str]:
    """What a person needs who looks into it."""
    yield from _described(run.schedule.seed)
    yield from (f"  WRONG: not that {each.rule.value}: {each.what}" for each in run.violations)
    yield f"  left in {run.folder}"
    yield f"  again: make soak ARGS='--seed {run.schedule.seed} --count 1'"


if __name__ == "__main__":
    soak()
