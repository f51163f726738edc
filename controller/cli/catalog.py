"""`edgerank models`: the catalog."""

import click
from rich.console import Console

from controller.cli.options import json_option, says_failures, tier_option
from controller.cli.print_json import print_json
from controller.cli.print_models import print_models, print_tier
from models.catalog import Backbone, load_catalog
from models.tiers import Tier, TierSelection, apply_rule


@click.command()
@tier_option
@click.option("--no-distilled", is_flag=True, help="Leave out weights that were distilled.")
@click.option(
    "--no-extra-data", is_flag=True, help="Leave out weights that saw more than ImageNet-1k."
)
@json_option
@says_failures
def models(tier: Tier | None, no_distilled: bool, no_extra_data: bool, as_json: bool) -> None:
    """List the catalog with accuracy and cost.

    Published accuracy, parameters and multiply-adds, and what we counted. Needs no controller.
    With a tier, it also says what the tier's rule rejected and why; with --json, of each backbone.

    \b
    Examples:
      edgerank models --tier mobile
      edgerank models --tier server --no-extra-data
      edgerank models --json
    """
    considered = tuple(
        backbone
        for backbone in load_catalog()
        if not (no_distilled and backbone.distilled)
        if not (no_extra_data and backbone.extra_data)
    )
    if tier is None:
        _print(considered, as_json)
    else:
        _print_tier(apply_rule(considered, tier), as_json)


def _print(backbones: tuple[Backbone, ...], as_json: bool) -> None:
    if as_json:
        print_json(backbones)
    else:
        print_models(Console(), backbones)


def _print_tier(selection: TierSelection, as_json: bool) -> None:
    if as_json:
        print_json(selection)
    else:
        print_tier(Console(), selection)
