"""`edgerank report`: a device's ranking as a page."""

from pathlib import Path

import click

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.ranking import accuracy_option, at_minute_option, include_option
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.names import find_device
from controller.domain.rankings import Constraints
from controller.views.report.render import render_report
from models.catalog.catalog import IMAGENET


@click.command()
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@click.option(
    "--output",
    "-o",
    "path",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
)
@include_option
@at_minute_option
@accuracy_option
@controller_option
@says_failures
def report(
    *,
    device: str,
    path: Path,
    include: tuple[Verdict, ...],
    at_minute: int | None,
    accuracy_dataset: str,
    address: str,
) -> None:
    """Write a device's ranking as one HTML file.

    It opens without a network, and shows every figure; only those whose verdict is ok, or one that
    --include names, are ranked.

    \b
    Examples:
      edgerank report --device phone -o phone.html
      edgerank report --device pc --include noisy,unstable
    """
    with QueryClient(address) as client:
        wanted = Constraints(include=include, at_minute=at_minute)
        write_report(client, device, path, wanted, accuracy_dataset)
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
    found = find_device(client.list_devices(), device)
    page = render_report(client.rank(device, constraints, accuracy_dataset), found)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"cannot write {path}: {error.strerror}; name another with --output"
        ) from error
