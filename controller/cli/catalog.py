"""`edgerank models`: the catalog."""

import click
from rich.console import Console

from controller.cli.options import json_option, says_failures, tier_option
from controller.cli.print_json import print_json
from controller.cli.print_models import print_models
from models.catalog import load_catalog
from models.tiers import Tier, select_tier


@click.command()
@tier_option
@json_option
@says_failures
def models(tier: Tier | None, as_json: bool) -> None:
    """List the catalog with accuracy and cost.

    Published accuracy, parameters and multiply-adds. Needs no controller.

    \b
    Examples:
      edgerank models --tier mobile
      edgerank models --json
    """
    catalog = load_catalog()
    chosen = tuple(catalog) if tier is None else tuple(select_tier(catalog, tier))
    if as_json:
        print_json(chosen)
    else:
        print_models(Console(), chosen)
