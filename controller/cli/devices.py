"""`edgerank devices`: who is in the fleet."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.devices import print_devices
from controller.cli.printing.documents import print_json
from controller.client import QueryClient


@click.command()
@controller_option
@json_option
@says_failures
def devices(address: str, as_json: bool) -> None:
    """List the fleet's devices.

    Every device that ever joined: what it is, and whether it is connected.

    \b
    Examples:
      edgerank devices
      edgerank devices --json
    """
    with QueryClient(address) as client:
        found = client.list_devices()
    if as_json:
        print_json(found)
    else:
        print_devices(Console(), found)
