"""`edgerank sweeps`: which sweeps there are."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.cli.printing.sweeps import print_sweeps
from controller.client import QueryClient


@click.command()
@controller_option
@json_option
@says_failures
def sweeps(address: str, as_json: bool) -> None:
    """List sweeps, the newest first.

    What state each is in, when it was started, on which devices, and how many of its jobs have
    ended.

    \b
    Examples:
      edgerank sweeps
      edgerank sweeps --json
    """
    with QueryClient(address) as client:
        found = client.list_sweeps()
    if as_json:
        print_json(found)
    else:
        print_sweeps(Console(), found)
