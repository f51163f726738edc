"""`edgerank convert`: builds artifacts ahead of a sweep."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import (
    CatalogPart,
    catalog_options,
    complete_backbones,
    read_backbones,
)
from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.variants import (
    WantedVariants,
    accelerators_option,
    variant_options,
)
from controller.cli.printing.conversions import print_conversions
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_conversion
from controller.cli.printing.telling import looked_at, print_line
from controller.client import QueryClient
from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.views.conversions.page import TOOLS, conversion_page
from controller.views.conversions.rows import conversion_rows
from controller.views.counting import counted
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.variants import Target, Variant, variants_of
from models.conversion.cost import seconds_by_variant
from models.tools import ToolMissing, tool_versions


@click.command(cls=GroupedCommand)
@click.argument("names", metavar="NAME...", nargs=-1, shell_complete=complete_backbones)
@catalog_options
@variant_options
@accelerators_option("Paddle Lite's files for these besides, in fp32, where there are any.")
@click.option(
    "--table",
    "table_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what converts as a page in Markdown.",
)
@controller_option
@json_option
@says_failures
def convert(
    *,
    names: tuple[str, ...],
    chosen: CatalogPart,
    variants: WantedVariants,
    accelerators: tuple[Target, ...],
    table_path: Path | None,
    address: str,
    as_json: bool,
) -> None:
    """Build artifacts ahead of a sweep.

    Each backbone becomes Paddle Lite files for arm and x86 and an ONNX file, in each precision,
    input size and batch. A file whose outputs are not Paddle's is refused. What is stored already
    is not made again, so that the same command goes on where it was stopped. Exit code 4 when
    anything was refused or failed; a file that was made and checked, and not kept because the disk
    is full, is neither.

    \b
    Examples:
      edgerank convert MobileNetV1 PPLCNet_x1_0
      edgerank convert --tier mobile --precisions fp32,int8-dynamic
      edgerank convert MobileNetV1 --accelerators opencl,nnapi
      edgerank convert --all --weights synthetic --table conversion.md
    """
    wanted = ",".join((*names, *([f"tier:{chosen.tier.value}"] if chosen.tier else [])))
    if bool(wanted) == chosen.whole:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "name backbones, or a tier with --tier, or all with --all"
        )
    versions = _check_page(table_path) if table_path else {}
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        catalog = client.catalog()
        backbones = tuple(load_catalog()) if chosen.whole else read_backbones(wanted, catalog)
        spec = ConversionSpec(
            backbones=tuple(backbone.name for backbone in backbones),
            weights=variants.weights,
            precisions=variants.precisions,
            input_sizes=variants.input_sizes,
            batches=variants.batches,
            accelerators=accelerators,
        )
        try:
            outcomes = follow_conversion(
                looked_at(client.convert(spec)), console, _expected_costs(backbones, spec)
            )
        except KeyboardInterrupt:
            print_line(
                console, "stopped; what was made is kept, and the same command goes on from there"
            )
            raise
    if as_json:
        print_json(outcomes)
    else:
        print_conversions(console, conversion_rows(outcomes, catalog))
    if table_path:
        _write_page(table_path, conversion_page(outcomes, catalog, versions))
        print_line(console, f"page written to {table_path}")
    raise_if_not_made(outcomes)


def _expected_costs(backbones: Iterable[Backbone], wanted: ConversionSpec) -> dict[Variant, float]:
    """The expected seconds of each variant that is asked for."""
    costs: dict[Variant, float] = {}
    for backbone in backbones:
        kinds = (wanted.precisions, wanted.input_sizes, wanted.batches, wanted.accelerators)
        costs |= seconds_by_variant(backbone, variants_of(backbone, *kinds))
    return costs


def _check_page(path: Path) -> dict[str, str]:
    """The tools' versions for the page, once it is sure that it can be written at the end."""
    check_output(path, "name another with --table")
    try:
        return tool_versions(TOOLS)
    except ToolMissing as error:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"--table names the tools' versions, so it runs where the controller does: {error}",
        ) from error


def _write_page(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"cannot write {path}: {error.strerror}; name another with --table"
        ) from error


def raise_if_not_made(outcomes: Sequence[ConversionOutcome]) -> None:
    """Refuse to call a conversion done in which files could not be made or are not Paddle's.

    Raises:
        EdgerankError: EXECUTION, with how many.
    """
    results = Counter(outcome.result for outcome in outcomes)
    refused, failed = results[ConversionResult.REFUSED], results[ConversionResult.FAILED]
    if refused or failed:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{refused} of {counted(len(outcomes), 'artifact')} refused and {failed} failed, "
            "each with its reason above",
        )
