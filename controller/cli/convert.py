"""`edgerank convert`: builds artifacts ahead of a sweep."""

import click
from rich.console import Console

from controller.cli.follow import follow_conversion
from controller.cli.options import (
    complete_backbones,
    controller_option,
    json_option,
    read_backbones,
    says_failures,
    tier_option,
    weights_option,
)
from controller.cli.print_json import print_json
from controller.domain import ConversionResult, ConversionSpec
from controller.errors import EdgerankError, ErrorCode
from controller.rpc.client import QueryClient
from models.catalog import load_catalog
from models.tiers import Tier
from models.variants import WeightsKind


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, shell_complete=complete_backbones)
@tier_option
@weights_option(WeightsKind.PRETRAINED)
@controller_option
@json_option
@says_failures
def convert(
    names: tuple[str, ...], tier: Tier | None, weights: str, address: str, as_json: bool
) -> None:
    """Build artifacts ahead of a sweep.

    Each backbone becomes Paddle Lite files for arm and x86 and an ONNX file. A file whose outputs
    are not Paddle's is refused. Exit code 4 when anything was refused.

    \b
    Examples:
      edgerank convert MobileNetV1 PPLCNet_x1_0
      edgerank convert --tier mobile
      edgerank convert GhostNet_x1_3 --weights synthetic
    """
    wanted = ",".join((*names, *([f"tier:{tier.value}"] if tier else [])))
    if not wanted:
        raise EdgerankError(ErrorCode.INVALID_INPUT, "name a backbone, or a tier with --tier")
    backbones = read_backbones(wanted, load_catalog())
    spec = ConversionSpec(
        backbones=tuple(backbone.name for backbone in backbones), weights=WeightsKind(weights)
    )
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        outcomes = follow_conversion(client.convert(spec), console)
    if as_json:
        print_json(outcomes)
    refused = [outcome for outcome in outcomes if outcome.result is ConversionResult.REFUSED]
    if refused:
        raise EdgerankError(
            ErrorCode.EXECUTION, f"{len(refused)} of {len(outcomes)} artifacts were refused"
        )
