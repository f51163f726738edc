"""`edgerank devices`: who is in the fleet."""

import click
from rich.console import Console

from controller.cli.options import controller_option, json_option, says_failures
from controller.cli.print_devices import print_devices
from controller.cli.print_json import print_json
from controller.rpc.client import QueryClient


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
