"""`python -m tools.catalog.features` counts what the catalog's networks do, by kind of work.

It writes `models/data/features.csv`, a row as soon as it is known and small networks first: what
is there already is not counted again, so that it can be stopped and go on another day.
"""

from __future__ import annotations

import csv
from pathlib import Path

import click

from models.catalog.catalog import load_catalog
from models.catalog.features import COLUMNS, as_row, parse_features
from models.processes.child import StepFailed
from tools.catalog.count import program_sizes
from tools.catalog.counting import counted


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(__file__).parents[2] / "models" / "data" / "features.csv",
    show_default=True,
)
@click.option("--most", type=click.IntRange(1), help="Count so many networks and stop.")
def main(output: Path, most: int | None) -> None:
    """Count what the networks of the catalog do, one row a program."""
    if not output.exists():
        output.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = parse_features(output.read_text(encoding="utf-8"))
    catalog = sorted(load_catalog(), key=lambda b: b.counted_flops_g or b.flops_g or float("inf"))
    missing = [size for size in program_sizes(catalog) if size not in known]
    failures = []
    for architecture, input_size in missing[:most]:
        click.echo(f"{architecture} at {input_size} px", err=True)
        try:
            features = counted(architecture, input_size).features
        except StepFailed as failure:
            failures.append(f"{architecture} at {input_size} px: {failure.reason}")
            continue
        with output.open("a", encoding="utf-8", newline="") as stream:
            row = (architecture, input_size, *as_row(features))
            csv.writer(stream, lineterminator="\n").writerow(row)
    if failures:
        raise click.ClickException("not counted: " + "; ".join(failures))


if __name__ == "__main__":
    main()
