"""`edgerank audit`: what was changed, by whom and when."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.access import print_audit
from controller.cli.printing.documents import print_json
from controller.client import AccessClient


@click.command()
@click.option(
    "--last",
    "count",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="How many changes.",
)
@controller_option
@json_option
@says_failures
def audit(count: int, address: str, as_json: bool) -> None:
    """Tell what was changed, by whom and when.

    The newest first. What was refused is there, too, alike calls once an hour.

    \b
    Examples:
      edgerank audit
      edgerank audit --last 1000 --json
    """
    with AccessClient(address) as client:
        found = tuple(client.list_audit(count))
    if as_json:
        print_json(found)
    else:
        print_audit(Console(), found)
