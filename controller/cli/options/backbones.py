"""Options that choose backbones, what their words mean, and the names that a shell completes."""

from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, read_list, read_tier
from controller.domain.names import meant_by
from models.catalog.catalog import Backbone, Catalog, load_catalog
from models.catalog.tiers import Tier

tier_option = click.option(
    "--tier",
    type=Converted("tier", read_tier),
    metavar="TIER",
    help="mobile, desktop or server.",
)


@dataclass(frozen=True, kw_only=True)
class CatalogPart:
    """What of the catalog is chosen besides the backbones that are named."""

    tier: Tier | None
    whole: bool


catalog_options = option_group(
    "Which backbones",
    "chosen",
    CatalogPart,
    tier_option,
    click.option("--all", "whole", is_flag=True, help="Every backbone of the catalog."),
)


def read_backbones(text: str, catalog: Catalog) -> tuple[Backbone, ...]:
    """The backbones of "NAME,PPLCNet*,series:MobileNetV3,tier:mobile,own:*", each once.

    Raises:
        EdgerankError: UNKNOWN_NAME for a word that means nothing, with what would.
    """
    chosen: dict[str, Backbone] = {}
    for word in read_list(text):
        chosen.update((backbone.name, backbone) for backbone in meant_by(word, catalog))
    return tuple(chosen.values())


def complete_backbone(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the name of one backbone."""
    names = (backbone.name for backbone in load_catalog())
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_backbones(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the last name of a comma-separated list of backbones."""
    done, comma, begun = incomplete.rpartition(",")
    names = [backbone.name for backbone in load_catalog()]
    names += [f"tier:{tier.value}" for tier in Tier]
    names += dict.fromkeys(f"series:{backbone.series}" for backbone in load_catalog())
    names.append("own:*")
    return [CompletionItem(f"{done}{comma}{name}") for name in names if name.startswith(begun)]
