"""`edgerank export`: every measurement into a file."""

from collections import Counter
from pathlib import Path

import click

from controller.cli.options import accuracy_option, controller_option, says_failures
from controller.domain import MeasurementFilter, Verdict
from controller.export import write_export
from controller.rpc.client import QueryClient


@click.command()
@click.argument("path", metavar="FILE.{csv,json,parquet}", type=click.Path(path_type=Path))
@click.option("--device", help="Only this device's measurements.")
@click.option("--sweep", "sweep_id", metavar="ID", help="Only this sweep's measurements.")
@accuracy_option
@controller_option
@says_failures
def export(
    path: Path, device: str | None, sweep_id: str | None, accuracy_dataset: str, address: str
) -> None:
    """Write every measurement to a file.

    Each figure stands beside its accuracy and its verdict, whatever that is. json and parquet hold
    all raw samples too.

    \b
    Examples:
      edgerank export results.csv
      edgerank export phone.parquet --device phone
    """
    wanted = MeasurementFilter(
        device=device,
        sweep_id=sweep_id,
        with_samples=path.suffix != ".csv",
        accuracy_dataset=accuracy_dataset,
    )
    with QueryClient(address) as client:
        found = list(client.list_measurements(wanted))
    write_export(found, path)
    counts = Counter(measurement.verdict for measurement in found)
    told = ", ".join(f"{counts[each]} {each.value}" for each in Verdict if counts[each])
    click.echo(f"{len(found)} measurements written to {path}" + (f": {told}" if told else ""))
