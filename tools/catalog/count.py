"""`python -m tools.catalog.count` counts what every architecture of the catalog costs.

It writes `models/data/counted.csv`; each architecture is built and traced in a child process.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path

import click

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.counted import COLUMNS, Counted
from models.catalog.stoppers import STOPPERS
from models.catalog.variants import Format
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.counting_requests import CountAnswer, CountRequest


def program_sizes(backbones: Iterable[Backbone]) -> list[tuple[str, int]]:
    """Return each architecture and input size of some backbones once, in their order.

    Those of a series that no format has an artifact of are left out: they cannot be traced.
    """
    unrunnable = {s.series for s in STOPPERS if set(s.formats) == set(Format)}
    return list(
        dict.fromkeys(
            (b.architecture, b.input_size.height) for b in backbones if b.series not in unrunnable
        )
    )


def count(architecture: str, input_size: int, cancellation: Cancellation) -> Counted:
    """Count one architecture at one input size, pixels, in a child process.

    Raises:
        StepFailed: it cannot be built or counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = run_step(
            "count",
            CountRequest(architecture, input_size),
            CountAnswer,
            workdir=Path(folder),
            limits=StepLimits(),
            cancellation=cancellation,
        )
    return Counted(architecture, input_size, answer.params, answer.multiply_adds)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(__file__).parents[2] / "models" / "data" / "counted.csv",
    show_default=True,
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def main(output: Path, workers: int) -> None:
    """Count parameters and multiply-adds of the whole catalog, one row a program."""
    cancellation = Cancellation()

    def count_or_failure(size: tuple[str, int]) -> Counted | StepFailed:
        click.echo(f"{size[0]} at {size[1]} px", err=True)
        try:
            return count(*size, cancellation)
        except StepFailed as failure:
            return failure

    sizes = program_sizes(load_catalog())
    with ThreadPoolExecutor(workers) as pool:
        try:
            outcomes = list(pool.map(count_or_failure, sizes))
        except KeyboardInterrupt:
            cancellation.cancel()
            raise
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(o) for o in outcomes if isinstance(o, Counted))
    failures = [
        f"{architecture} at {input_size} px: {outcome.reason}"
        for (architecture, input_size), outcome in zip(sizes, outcomes, strict=True)
        if isinstance(outcome, StepFailed)
    ]
    if failures:
        raise click.ClickException("not counted: " + "; ".join(failures))


if __name__ == "__main__":
    main()
