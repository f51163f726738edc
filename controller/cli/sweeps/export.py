"""`edgerank export`: every measurement into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.ranking import accuracy_option, at_minute_option
from controller.client import QueryClient
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.views.counting import counted
from controller.views.export import check_kind, has_columns, read_tables, write_export, write_tables

if TYPE_CHECKING:
    import pyarrow as pa


@click.command()
@click.argument("path", metavar="FILE.{csv,json,jsonl,parquet}", type=click.Path(path_type=Path))
@click.option("--device", help="Only this device's measurements.")
@click.option("--sweep", "sweep_id", metavar="SWEEP", help="Only this sweep's, by its id or name.")
@at_minute_option
@accuracy_option
@controller_option
@says_failures
def export(
    *,
    path: Path,
    device: str | None,
    sweep_id: str | None,
    at_minute: int | None,
    accuracy_dataset: str,
    address: str,
) -> None:
    """Write every measurement to a file.

    Each figure stands beside its accuracy and its verdict, whatever that is; json, jsonl and
    parquet hold all raw samples too, and 'edgerank import' takes json and jsonl. With --at-minute,
    figures and samples are those of that minute, and what has none is left out. The columns of csv
    and parquet are told in docs/asking/exports.md.

    \b
    Examples:
      edgerank export results.csv
      edgerank export phone.parquet --device phone
      edgerank export lab-b.jsonl
      edgerank export minute10.csv --at-minute 10
    """
    check_kind(path)
    check_output(path, "choose another place")
    wanted = MeasurementFilter(
        device=device,
        sweep_id=sweep_id,
        with_samples=path.suffix != ".csv",
        accuracy_dataset=accuracy_dataset,
        at_minute=at_minute,
    )
    written: Counter[Verdict] = Counter()
    left_out = 0

    def passing(found: Iterable[Measurement]) -> Iterator[Measurement]:
        nonlocal left_out
        for each in found:
            if at_minute is not None and each.latency is None:
                left_out += 1
                continue
            written[each.verdict] += 1
            yield each

    with QueryClient(address) as client:
        if at_minute is None and has_columns(path):
            tables = read_tables(client.export_measurements(wanted))
            write_tables(_counting(tables, written), path)
        else:
            write_export(passing(client.list_measurements(wanted)), path)
    if left_out:
        without = counted(left_out, "measurement")
        click.echo(f"left out: {without} without figures of minute {at_minute}")
    told = ", ".join(f"{written[each]} {each.value}" for each in Verdict if written[each])
    click.echo(
        f"{counted(written.total(), 'measurement')} written to {path}"
        + (f": {told}" if told else "")
    )


def _counting(tables: Iterable[pa.Table], written: Counter[Verdict]) -> Iterator[pa.Table]:
    for each in tables:
        for told in each["verdict"].value_counts():
            written[Verdict(told["values"].as_py())] += told["counts"].as_py()
        yield each
