"""`edgerank accuracy`: accuracy on datasets of one's own."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from controller.cli.options.accuracy_file import MAX_FILE_BYTES, parse_accuracies
from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.client import QueryClient
from controller.domain.catalog import Dataset, looks_like_fraction
from controller.domain.errors import EdgerankError, ErrorCode


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

    Its columns are name,dataset,metric,value,precision,source: a backbone, a dataset, top1 or top5,
    percent, fp32, fp16, int8-dynamic or int8-static, and where the figure comes from. A figure
    belongs to its precision, and to the backbone's evaluation size. Importing again replaces. What
    is published for ImageNet-1k is not replaced; what nobody published of it, as its int8 accuracy
    or an own model's, is taken in.

    \b
    Example:
      edgerank accuracy import flowers.csv
    """
    try:
        figures = parse_accuracies(_read(path))
        with QueryClient(address) as client:
            done = client.import_accuracy(figures)
    except EdgerankError as error:
        raise EdgerankError(error.code, f"{path.name}: {error}") from error
    replaced = f", {done.replaced_count} of them in place of earlier ones"
    click.echo(f"{done.figure_count} figures imported{replaced if done.replaced_count else ''}")
    for figure in filter(looks_like_fraction, figures):
        click.echo(
            f"note: row {figure.row} was taken as {figure.value_percent:g} % of {figure.backbone}; "
            "was a fraction of 1 meant, import it again as percent",
            err=True,
        )


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
        _print(Console(), datasets)


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


def _print(console: Console, datasets: tuple[Dataset, ...]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("dataset", overflow="fold")
    table.add_column("backbones", justify="right")
    table.add_column("metrics")
    table.add_column("precisions", overflow="fold")
    for dataset in datasets:
        table.add_row(
            dataset.name,
            str(dataset.backbone_count),
            ", ".join(metric.value for metric in dataset.metrics),
            ", ".join(precision.value for precision in dataset.precisions),
        )
    console.print(table)
