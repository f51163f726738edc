"""`edgerank import`: what another controller measured, beside our own."""

import re
from pathlib import Path

import click

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.files.measurement_file import digest_of, read_measurements
from controller.client import ReportClient
from controller.domain.measurements.imports import ImportHeader
from controller.views.counting import counted


@click.command("import")
@click.argument("path", metavar="FILE.{json,jsonl}", type=click.Path(path_type=Path))
@click.option(
    "--origin",
    metavar="NAME",
    help="What the controller that measured is called here.  [default: the file's name]",
)
@controller_option
@says_failures
def import_measurements(path: Path, origin: str | None, address: str) -> None:
    """Take in measurements that another controller exported.

    Each device of the other controller is one of this one then, named DEVICE.ORIGIN: it is ranked
    and compared as any, never connects, and gets no jobs. Figures and verdicts are derived anew
    from the raw samples. What was measured here, or imported before, is known by its content and
    kept once, so that an import can be repeated, also one that was cut off. Failed measurements
    have no samples, and are not taken in.

    \b
    Examples:
      edgerank import lab-b.jsonl
      edgerank import results.json --origin lab-b
    """
    digest = digest_of(path)
    called = origin or re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-_") or "elsewhere"
    header = ImportHeader(origin=called, file_name=path.name, file_sha256=digest)
    with ReportClient(address) as client:
        done = client.import_measurements(header, read_measurements(path))
    told = [f"{counted(done.added_count, 'measurement')} imported from {called}"]
    if done.known_count:
        told.append(f"{done.known_count:,} known before")
    if done.without_figures_count:
        told.append(f"{done.without_figures_count:,} left out without figures")
    click.echo(", ".join(told))
    if done.devices:
        click.echo(f"devices: {', '.join(done.devices)}")
