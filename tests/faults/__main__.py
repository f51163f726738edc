"""Runs many fault schedules, and ends with a table of what was tried, also where it is stopped.

One that failed is named with what was wrong, where it left its state and logs, and how to run it
again.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import click

from tests.faults.judging.tables import table_of_runs
from tests.faults.processes.stopping import until_stopped
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
    """Exit code 1 when anything was wrong, as a shell's when it was stopped by a signal."""
    seeds = range(seed, seed + count)
    if is_list:
        for each in seeds:
            click.echo("\n".join(_described(each)))
        return
    folder = Path(tempfile.mkdtemp(prefix="edgerank-schedules-"))
    runs: list[Run] = []
    stopped_by = asyncio.run(until_stopped(_run(seeds, at_once, folder, runs)))
    _clear(folder, kept={run.folder for run in runs if run.violations})
    click.echo("\n".join(table_of_runs(Kind, runs, "schedules")))
    if stopped_by is not None:
        left = sorted({*seeds} - {run.schedule.seed for run in runs})
        click.echo(f"stopped; not run to their end: {len(left):,} seeds, {_spans(left)}")
        sys.exit(128 + stopped_by)
    sys.exit(1 if any(run.violations for run in runs) else 0)


async def _run(seeds: range, at_once: int, folder: Path, runs: list[Run]) -> None:
    # Its seconds are another thread's, so that a signal is heard.
    template = await asyncio.to_thread(make_template, folder / "template")
    # The first one is told at once: all goes well so far.
    told_s = -PROGRESS_S
    async for run in run_all(seeds, template, folder, at_once):
        runs.append(run)
        if run.violations:
            click.echo("\n".join(failed_lines(run)))
        if time.monotonic() - told_s >= PROGRESS_S or len(runs) == len(seeds):
            told_s = time.monotonic()
            failed = sum(bool(each.violations) for each in runs)
            faults = sum(len(each.struck) for each in runs)
            click.echo(f"{len(runs)} of {len(seeds)} schedules, {faults} faults, {failed} failed")


def _clear(folder: Path, kept: set[Path]) -> None:
    for each in folder.iterdir():
        if each not in kept:
            shutil.rmtree(each)
    if not kept:
        folder.rmdir()


def _spans(seeds: Iterable[int]) -> str:
    """Such as "7, 9-12"."""
    spans = []
    for _, group in groupby(enumerate(seeds), lambda each: each[1] - each[0]):
        first, *more = (seed for _, seed in group)
        spans.append(f"{first}-{more[-1]}" if more else f"{first}")
    return ", ".join(spans) or "none"


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
