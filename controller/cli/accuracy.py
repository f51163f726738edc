"""`edgerank accuracy`: accuracy on datasets of one's own."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from controller.cli.options.accuracy_file import (
    MAX_FILE_BYTES,
    AccuracyFile,
    known_here,
    never_joined,
    read_accuracies,
)
from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.cli.printing.ledger import Column, Ledger
from controller.cli.printing.telling import print_line
from controller.client import QueryClient
from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyImport,
    Dataset,
    looks_like_fraction,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.views.counting import counted
from models.catalog.catalog import IMAGENET, Catalog
from protos.inputs import ImageSize

MOST_SIZES = 3
"""More sizes than these are told by the smallest and the largest."""


@click.group()
def accuracy() -> None:
    """Bring accuracy on your own datasets.

    Figures stand beside the published ones of ImageNet-1k, and rankings choose with --accuracy.

    \b
    Examples:
      edgerank accuracy import flowers.csv
      edgerank accuracy list
      edgerank best --device phone --accuracy flowers
    """


@accuracy.command("import")
@click.argument("path", metavar="FILE.csv", type=click.Path(path_type=Path))
@controller_option
@says_failures
def import_file(path: Path, address: str) -> None:
    """Take in a CSV file of accuracy, all of it or nothing.

    Its columns are name,dataset,metric,value,precision,source, in any order: a backbone, a dataset,
    top1 or top5, percent, fp32, fp16, int8-dynamic, int8-static or int8, and where the figure comes
    from. Commas, semicolons or tabs may part them. A figure belongs to its precision, and to the
    size that a column input_size says, or to any without it. That of your own model belongs to the
    file that has the name now, and to no other one that gets it later. Importing again replaces.
    What is published for ImageNet-1k (imagenet, ILSVRC2012) is not replaced; what nobody published
    of it, as its int8 accuracy or an own model's, is taken in.

    A results table of timm is taken as it is: the rows of those models that are here by timm's
    name, each at its size.

    \b
    Examples:
      edgerank accuracy import flowers.csv
      edgerank accuracy import results-imagenet.csv
    """
    try:
        file = read_accuracies(_read(path), path.name)
        _note_readings(file)
        with QueryClient(address) as client:
            catalog = client.catalog()
            figures = _figures_here(file, catalog)
            done = client.import_accuracy(figures)
    except EdgerankError as error:
        raise EdgerankError(error.code, f"{path.name}: {error}") from error
    click.echo(f"{counted(done.figure_count, 'figure')} imported{_replaced_words(done)}")
    if file.is_timm:
        row_count = len({figure.row for figure in figures})
        click.echo(
            f"rows of timm's table with a backbone here: {row_count} of {file.row_count}, "
            f"taken as accuracy on {figures[0].dataset}"
        )
    for figure in filter(looks_like_fraction, figures):
        click.echo(
            f"note: row {figure.row} was taken as {figure.value_percent:g} % of {figure.backbone}; "
            "was a fraction of 1 meant, import it again as percent",
            err=True,
        )
    for figure in never_joined(figures, catalog):
        click.echo(
            f"note: row {figure.row} counts for nothing: {figure.backbone} came quantised, so it "
            f"is never measured in {figure.precision.value}; was int8 meant, import it again so",
            err=True,
        )


def _replaced_words(done: AccuracyImport) -> str:
    if not done.replaced_count:
        return ""
    if done.figure_count == 1:
        return ", in place of an earlier one"
    return f", {done.replaced_count} of them in place of earlier ones"


def _figures_here(file: AccuracyFile, catalog: Catalog) -> tuple[AccuracyFigure, ...]:
    """The figures to send.

    Raises:
        EdgerankError: NOTHING_FOUND for a table of timm that names no backbone here.
    """
    if not file.is_timm:
        return file.figures
    figures = known_here(file, catalog)
    if not figures:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            "rows of timm's table with a backbone here that has no published figure at that size: "
            f"0 of {file.row_count}; add a model by timm's name with 'edgerank models add'",
        )
    return figures


def _note_readings(file: AccuracyFile) -> None:
    for name in file.renamed:
        click.echo(f"note: {name} is taken as {IMAGENET}", err=True)
    if file.unread_columns:
        click.echo(f"note: not read: {', '.join(file.unread_columns)}", err=True)


@accuracy.command("list")
@controller_option
@json_option
@says_failures
def list_datasets(address: str, as_json: bool) -> None:
    """List the datasets that accuracy is known on.

    \b
    Example:
      edgerank accuracy list
    """
    with QueryClient(address) as client:
        datasets = client.list_datasets()
    if as_json:
        print_json(datasets)
    else:
        print_datasets(Console(), datasets)


def _read(path: Path) -> bytes:
    """The file's bytes, at most one beyond what is taken."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"it cannot be read: {error.strerror}"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"it is larger than {MAX_FILE_BYTES / 1e6:.0f} MB; import it in parts",
        )
    return content


def print_datasets(console: Console, datasets: Sequence[Dataset]) -> None:
    """Print datasets, a line each, and which figures belong to nothing that is there."""
    table = Ledger(
        "dataset",
        Column("backbones", is_right=True),
        Column("metrics"),
        Column("precisions"),
        Column("px"),
    )
    for dataset in datasets:
        table.add_row(
            dataset.name,
            str(dataset.backbone_count),
            ", ".join(metric.value for metric in dataset.metrics),
            "\n".join(precision.value for precision in dataset.precisions),
            _sizes(dataset.input_sizes),
        )
    console.print(table)
    for dataset in datasets:
        if dataset.of_other_files:
            names = ", ".join(dataset.of_other_files)
            print_line(
                console,
                f"on {dataset.name}, figures of {names} belong to files that have the name no "
                "more; they count when these are added under it again",
            )


def _sizes(input_sizes: tuple[ImageSize, ...]) -> str:
    if len(input_sizes) > MOST_SIZES:
        return f"{input_sizes[0]} to {input_sizes[-1]}"
    return ", ".join(map(str, input_sizes)) or "any"
