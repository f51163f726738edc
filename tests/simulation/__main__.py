"""Runs fleets in simulated time, and ends with what befell them and whether anything was wrong.

The same seed and size are the same fleet: what befalls it, what it does, and the digest of that.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.faults.judging.tables import table_of_runs
from tests.simulation.causes import Kind
from tests.simulation.preparing import make_template
from tests.simulation.running import Run, run_schedule
from tests.simulation.schedules import Size, draw

_SHOWN = 20


@click.command(help=__doc__)
@click.option("--jobs", default=100_000, show_default=True, type=click.IntRange(1))
@click.option("--devices", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--faults", default=1_000, show_default=True, type=click.IntRange(0))
@click.option("--seed", default=0, show_default=True, help="The first one.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1), help="Of seeds.")
@click.option("--list", "is_list", is_flag=True, help="Show the faults of the seeds, run nothing.")
def simulate(*, jobs: int, devices: int, faults: int, seed: int, count: int, is_list: bool) -> None:
    """Exit code 1 when anything was wrong."""
    size = Size(jobs=jobs, devices=devices, faults=faults)
    seeds = range(seed, seed + count)
    if is_list:
        for each in seeds:
            click.echo("\n".join(_described(each, size)))
        return
    runs = []
    with tempfile.TemporaryDirectory(prefix="edgerank-simulation-") as folder:
        template = Path(folder) / "template.sqlite"
        make_template(template)
        for each in seeds:
            begin_s = time.perf_counter()
            with tempfile.TemporaryDirectory(dir=folder) as place:
                run = run_schedule(draw(each, size), template, Path(place))
            runs.append(run)
            click.echo("\n".join(_told(run, time.perf_counter() - begin_s)))
    if count > 1 or not runs[0].violations:
        click.echo("\n".join(table_of_runs(Kind, runs, "seeds")))
    sys.exit(1 if any(run.violations for run in runs) else 0)


def _described(seed: int, size: Size) -> Iterator[str]:
    schedule = draw(seed, size)
    yield f"seed {seed}: {size}"
    yield from (f"  {sweep}" for sweep in schedule.sweeps)
    yield from (f"  {fault}" for fault in schedule.faults)


def _told(run: Run, took_s: float) -> Iterator[str]:
    size, wrong = run.schedule.size, run.violations
    yield (
        f"seed {run.schedule.seed}: {run.jobs:,} jobs on {size.devices:,} devices, "
        f"{len(run.struck):,} faults, {run.leases:,} leases, {run.lives} lives of the controller; "
        f"{run.simulated_s / 3_600:.1f} h in {took_s:.1f} s: {60 * run.jobs / took_s:,.0f} jobs a "
        f"minute, {run.leases / took_s:,.0f} turns a second, "
        f"{run.statements / max(1, run.leases):.1f} statements a turn"
    )
    yield f"  digest {run.digest}"
    yield from (f"  WRONG: not that {each.rule.value}: {each.what}" for each in wrong[:_SHOWN])
    if len(wrong) > _SHOWN:
        yield f"  and {len(wrong) - _SHOWN:,} more"
    if wrong:
        again = f"--jobs {size.jobs} --devices {size.devices} --faults {size.faults}"
        yield f"  again: make simulate ARGS='{again} --seed {run.schedule.seed}'"


if __name__ == "__main__":
    simulate()
