"""`edgerank results`: every figure, as a table."""

from itertools import islice
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import complete_backbone
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.cli.printing.results import print_results
from controller.client import QueryClient
from controller.domain.measurements import MeasurementFilter
from controller.domain.names import find_backbone

MOST_SHOWN: Final = 200
"""Of a table that is read by people."""


@click.command()
@click.option("--sweep", "sweep_id", metavar="SWEEP", help="Only this sweep's, by its id or name.")
@click.option("--device", help="Only this device's.")
@click.option("--backbone", shell_complete=complete_backbone, help="Only this backbone's.")
@click.option(
    "--all", "lists_all", is_flag=True, help=f"Show all, not the newest {MOST_SHOWN} only."
)
@controller_option
@json_option
@says_failures
def results(
    *,
    sweep_id: str | None,
    device: str | None,
    backbone: str | None,
    lists_all: bool,
    address: str,
    as_json: bool,
) -> None:
    """Show what was measured.

    The newest first, 200 of them unless --all is given, whatever its verdict; why a verdict is not
    ok stands below the table, each reason once. Jobs that are still measured stand there with what
    is known so far. With --json all of them, as an export has them, without raw samples.

    \b
    Examples:
      edgerank results
      edgerank results --sweep nightly
      edgerank results --device phone --backbone MobileNetV1 --json
      edgerank results --device phone --all
    """
    wanted = MeasurementFilter(
        device=device, sweep_id=sweep_id, backbone=backbone, with_underway=True
    )
    with QueryClient(address) as client:
        if backbone is not None:
            find_backbone(client.catalog(), backbone)
        # One more tells that there are more.
        most = None if lists_all or as_json else MOST_SHOWN + 1
        found = list(islice(client.newest_measurements(wanted), most))
    if as_json:
        print_json(found)
        return
    console = Console()
    shown = found if lists_all else found[:MOST_SHOWN]
    print_results(console, shown)
    if len(found) > len(shown):
        console.print(Text("older ones are not shown: --all shows them, too"))
