"""`edgerank results`: every figure, as a table."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import complete_backbone
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.cli.printing.results import print_results
from controller.client import QueryClient
from controller.domain.measurements import MeasurementFilter
from controller.domain.names import find_backbone


@click.command()
@click.option("--sweep", "sweep_id", metavar="SWEEP", help="Only this sweep's, by its id or name.")
@click.option("--device", help="Only this device's.")
@click.option("--backbone", shell_complete=complete_backbone, help="Only this backbone's.")
@controller_option
@json_option
@says_failures
def results(
    *,
    sweep_id: str | None,
    device: str | None,
    backbone: str | None,
    address: str,
    as_json: bool,
) -> None:
    """Show what was measured.

    The newest first, whatever its verdict; why a verdict is not ok stands below the table, each
    reason once. Jobs that are still measured stand there with what is known so far. With --json as
    an export has it, without raw samples.

    \b
    Examples:
      edgerank results
      edgerank results --sweep nightly
      edgerank results --device phone --backbone MobileNetV1 --json
    """
    wanted = MeasurementFilter(
        device=device, sweep_id=sweep_id, backbone=backbone, with_underway=True
    )
    with QueryClient(address) as client:
        if backbone is not None:
            find_backbone(client.catalog(), backbone)
        found = list(client.list_measurements(wanted))
    newest_first = found[::-1]
    if as_json:
        print_json(newest_first)
    else:
        print_results(Console(), newest_first)
