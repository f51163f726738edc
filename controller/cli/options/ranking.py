"""The options that say what is ranked, and by what."""

import click

from controller.cli.options.values import Converted, read_included, read_tier
from controller.domain.rankings import INCLUDABLE
from controller.domain.sweeps import MAX_MINUTES
from models.catalog.catalog import IMAGENET

accuracy_option = click.option(
    "--accuracy",
    "accuracy_dataset",
    metavar="DATASET",
    default=IMAGENET,
    show_default=True,
    help="Whose accuracy counts (see 'edgerank accuracy list').",
)
include_option = click.option(
    "--include",
    type=Converted("verdicts", read_included),
    metavar="VERDICT,VERDICT",
    default=(),
    help=f"Count figures of other verdicts than ok too: "
    f"{', '.join(verdict.value for verdict in INCLUDABLE)}.",
)
at_minute_option = click.option(
    "--at-minute",
    type=click.IntRange(1, MAX_MINUTES),
    metavar="N",
    help="Only what was swept with --sustained, by its figures of this minute.",
)
tier_option = click.option(
    "--tier",
    type=Converted("tier", read_tier),
    metavar="TIER",
    help="mobile, desktop or server.",
)
