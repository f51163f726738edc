"""Options that choose backbones, what their words mean, and the names that a shell completes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import click
from click.shell_completion import CompletionItem

from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, read_list, read_tier
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_backbone
from models.catalog.catalog import Backbone, Catalog, load_catalog
from models.catalog.own import OWN_SERIES
from models.catalog.tiers import Tier, select_tier
from models.names import nearest

_PATTERN: Final = frozenset("*?[")

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


def meant_by(word: str, catalog: Catalog) -> Sequence[Backbone]:
    """The backbones that one word means: by name, by pattern, of a series or tier, or own ones.

    In patterns `*`, `?` and `[...]` mean what they do to a shell. The case of a series does not
    count.

    Raises:
        EdgerankError: UNKNOWN_NAME for a word that means nothing, with what would.
    """
    kind, _, rest = word.partition(":") if ":" in word else ("", "", "")
    if kind == "tier":
        return select_tier(catalog, read_tier(rest))
    if kind == "series":
        return _of_series(rest, catalog)
    if kind == "own":
        own = [each for each in catalog if each.series == OWN_SERIES]
        return _alike(rest, own, "own model")
    if _PATTERN & set(word):
        return _alike(word, list(catalog), "backbone")
    return [find_backbone(catalog, word)]


def _of_series(series: str, catalog: Catalog) -> list[Backbone]:
    wanted = series.casefold()
    found = [each for each in catalog if fnmatchcase(each.series.casefold(), wanted)]
    if not found:
        there_are = dict.fromkeys(each.series for each in catalog)
        near = nearest(series, there_are, likeness=0.4) or tuple(there_are)[:3]
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no series is named {series!r}; nearest: {', '.join(near)}"
        )
    return found


def _alike(pattern: str, among: Sequence[Backbone], kind: str) -> list[Backbone]:
    found = [each for each in among if fnmatchcase(each.name, pattern)]
    if not found:
        names = [each.name for each in among]
        near = nearest(pattern.strip("*?"), names, likeness=0.4) or tuple(names[:3])
        hint = f"nearest: {', '.join(near)}" if near else "there is none"
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no {kind} has a name like {pattern!r}; {hint}"
        )
    return found


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
