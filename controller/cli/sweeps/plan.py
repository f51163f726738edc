"""`edgerank plan`: what a sweep would do, before anything runs."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.printing.documents import print_json
from controller.cli.printing.sweeps import print_plan
from controller.cli.sweeps.asking import AskedSweep, asked_options, say_overridden
from controller.client import QueryClient


@click.command(cls=GroupedCommand)
@asked_options
@controller_option
@json_option
@says_failures
def plan(*, asked: AskedSweep, address: str, as_json: bool) -> None:
    """Show what a sweep would measure, and how long it would take.

    Takes what 'edgerank sweep' takes, and starts nothing: the jobs by device, runtime and settings,
    which of them were measured alike before, which files are there and which would be converted,
    what is left out, and a time for each device, by how long measuring took before. With --json
    each job is told.

    \b
    Examples:
      edgerank plan nightly.yaml
      edgerank plan --models tier:mobile --devices phone,board --threads 1,2,4
      edgerank plan --models series:MobileNetV3 --fresh --json
    """
    console = Console(stderr=as_json)
    say_overridden(console, asked)
    with QueryClient(address) as client:
        found = client.plan_sweep(asked.spec(client.catalog()), with_jobs=as_json)
    if as_json:
        print_json(found)
    else:
        print_plan(console, found)
