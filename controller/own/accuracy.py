"""Accuracy that people bring: refused by row and column where it cannot hold, else taken in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyImport,
    AccuracyInvalid,
    AccuracyMetric,
    FigureKey,
    dataset_meant,
    key_of,
    looks_like_fraction,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.catalog.accuracy import list_datasets, list_figures, put_figures
from controller.state.database import Database
from models.catalog.catalog import IMAGENET, Catalog
from models.names import nearest

MAX_FIGURES: Final = 50_000
# Each may have the longest names that there are.
MAX_IMPORT_BYTES: Final = 64_000_000
MAX_TEXT_LENGTH: Final = 200
MAX_DATASET_LENGTH: Final = 64


def import_accuracies(
    database: Database, figures: Sequence[AccuracyFigure], catalog: Catalog, now_unix_ms: int
) -> AccuracyImport:
    """Takes in every figure or none; one of the same key takes the other's place.

    What people call ImageNet-1k is taken in as ImageNet-1k.

    Raises:
        AccuracyInvalid: a figure cannot hold (see `check_accuracies`).
    """
    figures = [replace(figure, dataset=dataset_meant(figure.dataset)) for figure in figures]
    with database.transaction() as transaction:
        stored = list_figures(transaction)
        published = {figure.key for figure in stored if figure.is_published}
        known = {figure.key: figure.value_percent for figure in stored}
        check_accuracies(figures, catalog, published, known)
        by_key = {key_of(figure, catalog): figure for figure in figures}
        put_figures(transaction, by_key, now_unix_ms)
    replaced = known.keys() & by_key.keys()
    return AccuracyImport(figure_count=len(figures), replaced_count=len(replaced))


def find_dataset(database: Database, dataset: str) -> str:
    """The dataset of this name that accuracy is known on, or ImageNet-1k by any of its names.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    if dataset == IMAGENET:
        # What nearly everybody asks for is known without a look at every figure.
        return dataset
    known = [each.name for each in list_datasets(database)]
    meant = dataset if dataset in known else dataset_meant(dataset)
    if meant in (IMAGENET, *known):
        return meant
    names = nearest(dataset, known) or known[:3] or [IMAGENET]
    raise EdgerankError(
        ErrorCode.UNKNOWN_NAME,
        f"no accuracy is known on a dataset named {dataset!r}; nearest: {', '.join(names)}",
    )


def check_accuracies(
    figures: Sequence[AccuracyFigure],
    catalog: Catalog,
    published: Collection[FigureKey],
    known: Mapping[FigureKey, float],
) -> None:
    """Refuse figures that cannot hold, the first of them by its row and column.

    Args:
        figures: of one import.
        catalog: the backbones that figures can be of.
        published: what the catalog itself has a figure of, which none replaces.
        known: every figure that is stored, percent.

    Raises:
        AccuracyInvalid: a name, dataset, value or source that cannot be, a figure that is there
            twice or published, top-5 below top-1, or fractions for percent.
    """
    if len(figures) > MAX_FIGURES:
        raise AccuracyInvalid(
            figures[MAX_FIGURES].row, None, f"an import has at most {MAX_FIGURES:,} figures"
        )
    spelling = {key.dataset.casefold(): key.dataset for key in known} | {
        IMAGENET.casefold(): IMAGENET
    }
    rows: dict[FigureKey, int] = {}
    published_sizes = {key._replace(input_size=None): key.input_size for key in published}
    for figure in figures:
        _check_figure(figure, catalog)
        known_as = spelling.setdefault(figure.dataset.casefold(), figure.dataset)
        if known_as != figure.dataset:
            problem = f"{figure.dataset!r} is spelt {known_as!r} elsewhere; use one spelling"
            raise AccuracyInvalid(figure.row, "dataset", problem)
        key = key_of(figure, catalog)
        if key in rows:
            problem = f"row {rows[key]} gives the same figure already"
            raise AccuracyInvalid(figure.row, None, problem)
        rows[key] = figure.row
        # A figure at any size is one at the published size, too.
        published_size = published_sizes.get(key._replace(input_size=None))
        if published_size is not None and key.input_size in (None, published_size):
            raise AccuracyInvalid(figure.row, "dataset", _published_words(figure))
    _check_no_fractions(figures)
    _check_order({key_of(figure, catalog): figure for figure in figures}, known)


def _check_figure(figure: AccuracyFigure, catalog: Catalog) -> None:
    row = figure.row
    if figure.backbone not in catalog:
        nearest = catalog.nearest(figure.backbone)
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        raise AccuracyInvalid(row, "name", f"no backbone is named {figure.backbone!r}{hint}")
    if not _is_text(figure.dataset, MAX_DATASET_LENGTH):
        problem = f"a dataset's name is 1 to {MAX_DATASET_LENGTH} printable characters"
        raise AccuracyInvalid(row, "dataset", problem)
    if not 0 < figure.value_percent <= 100:
        problem = f"{figure.value_percent:g} is no percentage above 0 and at most 100"
        raise AccuracyInvalid(row, "value", problem)
    if not _is_text(figure.source, MAX_TEXT_LENGTH):
        problem = f"say where it comes from, in 1 to {MAX_TEXT_LENGTH} printable characters"
        raise AccuracyInvalid(row, "source", problem)


def _is_text(text: str, longest: int) -> bool:
    return 1 <= len(text) <= longest and text.isprintable() and text == text.strip()


def _published_words(figure: AccuracyFigure) -> str:
    return (
        f"{IMAGENET} {figure.metric.value} of {figure.backbone} in {figure.precision.value} is "
        "published, and what is published is not replaced; give your own dataset another name"
    )


def _check_no_fractions(figures: Iterable[AccuracyFigure]) -> None:
    """Refuse a dataset of whose metric every value is at most 1.

    One such value may be a network that learnt nothing; when all are, 0.75 stands for 75 %.
    """
    by_metric: defaultdict[tuple[str, AccuracyMetric], list[AccuracyFigure]] = defaultdict(list)
    for figure in figures:
        by_metric[figure.dataset, figure.metric].append(figure)
    for (dataset, metric), group in by_metric.items():
        if all(looks_like_fraction(figure) for figure in group):
            problem = f"every {metric.value} of {dataset} is at most 1, which looks like fractions"
            raise AccuracyInvalid(group[0].row, "value", f"{problem}; write 75.3 for 75.3 %")


def _check_order(
    figures: Mapping[FigureKey, AccuracyFigure], known: Mapping[FigureKey, float]
) -> None:
    """Refuse a top-5 below its top-1, wherever either stands."""
    after = {**known, **{key: figure.value_percent for key, figure in figures.items()}}
    for key, figure in figures.items():
        top1 = after.get(key._replace(metric=AccuracyMetric.TOP1))
        top5 = after.get(key._replace(metric=AccuracyMetric.TOP5))
        if top1 is not None and top5 is not None and top5 < top1:
            raise AccuracyInvalid(
                figure.row, "value", f"its top-5 of {top5:g} is below its top-1 of {top1:g}"
            )
