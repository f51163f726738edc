"""`edgerank report`: a device's ranking as a page."""

from pathlib import Path

import click

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.ranking import (
    RankedFigures,
    constraint_options,
    of_figures,
    ranked_options,
)
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints
from controller.views.report.render import render_report
from models.catalog.catalog import IMAGENET


@click.command(cls=GroupedCommand)
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@ranked_options
@constraint_options
@click.option(
    "--output",
    "-o",
    "path",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
)
@controller_option
@says_failures
def report(
    *, device: str, ranked: RankedFigures, constraints: Constraints, path: Path, address: str
) -> None:
    """Write a device's ranking as one HTML file.

    It opens without a network, and shows every figure. Disturbed and throttled ones are ranked
    where there is nothing better of the same setting; with --only what it names.

    \b
    Examples:
      edgerank report --device phone -o phone.html
      edgerank report --device pc --only ok,wide
      edgerank report --device pc --max-latency 20ms --max-artifact 20MB
    """
    check_output(path, "name another with --output")
    wanted = of_figures(constraints, ranked)
    with QueryClient(address) as client:
        write_report(client, device, path, wanted, ranked.accuracy_dataset)
    click.echo(f"report written to {path}")


def write_report(
    client: QueryClient,
    device: str,
    path: Path,
    constraints: Constraints,
    accuracy_dataset: str = IMAGENET,
) -> None:
    """Asks for a device's ranking and writes its page.

    Raises:
        EdgerankError: UNKNOWN_NAME for the device or the dataset, STORAGE when the file cannot be
            written.
    """
    found = client.measured_device(device)
    page = render_report(client.rank(device, constraints, accuracy_dataset), found)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"cannot write {path}: {error.strerror}; name another with --output"
        ) from error
