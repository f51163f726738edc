"""`edgerank why`: why a backbone is where it is, and what it would need."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.ranking import (
    RankedFigures,
    constraint_options,
    of_figures,
    ranked_options,
)
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.explanation import print_explanations
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints
from controller.domain.rankings.explanations import ExplainQuestion


@click.command(cls=GroupedCommand)
@click.argument("name", metavar="NAME")
@click.option("--device", help="Only on this device.  [default: each that measured it]")
@ranked_options
@constraint_options
@controller_option
@json_option
@says_failures
def why(
    *,
    name: str,
    device: str | None,
    ranked: RankedFigures,
    constraints: Constraints,
    address: str,
    as_json: bool,
) -> None:
    """Say why a backbone is not the best.

    Names what beats it, on which figure and by how much, with the 95 % interval of the ratio of
    latencies, and what it would need of one figure, all else as it is, to satisfy the limits, to
    be on the Pareto front, and to be the first. Of several settings it is its best one.

    Exit code 3 when it has no figures on the device, or on any.

    \b
    Examples:
      edgerank why MobileNetV3_large_x1_0 --device phone
      edgerank why ReXNet_2_0 --device board --max-latency 20ms --max-memory 80MB
      edgerank why PPLCNet_x1_0 --by latency --json
    """
    question = ExplainQuestion(
        backbone=name,
        device=device,
        constraints=of_figures(constraints, ranked),
        accuracy_dataset=ranked.accuracy_dataset,
    )
    with QueryClient(address) as client:
        explanations = client.explain(question)
    if as_json:
        print_json(explanations)
    else:
        print_explanations(Console(), explanations)
    if not any(each.candidate for each in explanations.on_devices):
        where = "any device" if device is None else repr(device)
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"no figure of {name!r} is ranked on {where}; 'edgerank sweep --models {name}' "
            "measures it",
        )
