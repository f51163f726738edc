"""A CSV file of accuracy, of our own columns or a results table of timm, read row by row."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from controller.cli.options.files.csv_table import CsvTable, TableRow, read_table
from controller.domain.catalog import (
    COLUMNS,
    AccuracyFigure,
    AccuracyInvalid,
    AccuracyMetric,
    dataset_meant,
)
from models.catalog.catalog import IMAGENET, Backbone, Catalog
from models.catalog.precisions import QUANTISED, Precision
from protos.inputs import MAX_SIDE, ImageSize, parse_size

MAX_FILE_BYTES: Final = 8_000_000
INPUT_SIZE: Final = "input_size"
"""The column that may be there, too: at which height and width a figure was taken."""

_OWN_COLUMNS: Final = frozenset({*COLUMNS, INPUT_SIZE})
_TIMM_COLUMNS: Final = frozenset({"model", "top1", "img_size"})
# Of timm's tables, each of another dataset; the first is of ImageNet-1k itself.
_TIMM_FILE: Final = re.compile(r"results-(?P<dataset>[a-z0-9-]+)\.csv", re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(r"[0-9]+,[0-9]+")

_ChoiceT = TypeVar("_ChoiceT", bound=Enum)


@dataclass(frozen=True, kw_only=True)
class AccuracyFile:
    """What a file of accuracy says.

    Attributes:
        figures: each with its row; what they mean is for the controller to check.
        is_timm: whether it is a results table of timm, whose rows are of many models, few of which
            are known here.
        row_count: rows below the header.
        unread_columns: columns that nothing was read from.
        renamed: what the file calls ImageNet-1k where it does so by another name.
    """

    figures: tuple[AccuracyFigure, ...]
    is_timm: bool
    row_count: int
    unread_columns: tuple[str, ...]
    renamed: tuple[str, ...]


def read_accuracies(content: bytes, file_name: str) -> AccuracyFile:
    """What the file says, whatever the order and case of its columns.

    Raises:
        AccuracyInvalid: what cannot be read, with what was found there.
    """
    table = read_table(content, _meaning)
    if set(table.columns) >= _TIMM_COLUMNS:
        return _read_timm(table, file_name)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise AccuracyInvalid(
            table.header_line,
            None,
            f"the columns must be {','.join(COLUMNS)}, in any order: missing are "
            f"{','.join(missing)}; {table.found_words()}",
        )
    _check_not_empty(table)
    datasets = [row.cells["dataset"] for row in table.rows]
    return AccuracyFile(
        figures=tuple(_figure(row) for row in table.rows),
        is_timm=False,
        row_count=len(table.rows),
        unread_columns=tuple(each for each in table.columns if each not in _OWN_COLUMNS),
        renamed=tuple(dict.fromkeys(told for told in datasets if dataset_meant(told) != told)),
    )


def known_here(file: AccuracyFile, catalog: Catalog) -> tuple[AccuracyFigure, ...]:
    """The figures of a timm table that are of a backbone here, and not published by the catalog.

    timm has a model of another name for each set of weights, so only the same name means the same.
    """
    return tuple(
        figure
        for figure in file.figures
        if figure.backbone in catalog
        if not _is_published(figure, catalog.get(figure.backbone))
    )


def never_joined(figures: Iterable[AccuracyFigure], catalog: Catalog) -> tuple[AccuracyFigure, ...]:
    """The figures in a precision that nothing of their model is ever measured in."""
    return tuple(
        figure
        for figure in figures
        if figure.backbone in catalog
        if catalog.get(figure.backbone).precision is Precision.INT8
        if figure.precision not in QUANTISED
    )


def _is_published(figure: AccuracyFigure, backbone: Backbone) -> bool:
    return (
        figure.dataset == IMAGENET
        and backbone.top1 is not None
        and figure.input_size in (None, backbone.input_size)
    )


def _meaning(cell: str) -> str | None:
    folded = re.sub(r"[\s-]+", "_", cell.strip()).casefold()
    return folded if folded in _OWN_COLUMNS | _TIMM_COLUMNS | {"top5"} else None


def _check_not_empty(table: CsvTable) -> None:
    if not table.rows:
        raise AccuracyInvalid(table.header_line + 1, None, "there is no figure below the header")


def _figure(row: TableRow) -> AccuracyFigure:
    cells = row.cells
    return AccuracyFigure(
        row=row.line,
        backbone=cells["name"],
        dataset=dataset_meant(cells["dataset"]),
        metric=_choice(row, "metric", AccuracyMetric, " and "),
        value_percent=_percent(row, "value"),
        precision=_choice(row, "precision", Precision, ", "),
        source=cells["source"],
        input_size=_input_size(row, INPUT_SIZE),
    )


def _read_timm(table: CsvTable, file_name: str) -> AccuracyFile:
    """A results table of timm: a row for each model, at the size that it was evaluated at."""
    _check_not_empty(table)
    named = _TIMM_FILE.fullmatch(file_name)
    dataset = dataset_meant(named["dataset"].lower()) if named else IMAGENET
    metrics = {each.value: each for each in AccuracyMetric if each.value in table.columns}
    figures = (
        AccuracyFigure(
            row=row.line,
            backbone=row.cells["model"],
            dataset=dataset,
            metric=metric,
            value_percent=_percent(row, column),
            precision=Precision.FP32,
            source=f"timm, {file_name}"[:200],
            input_size=_input_size(row, "img_size"),
        )
        for row in table.rows
        for column, metric in metrics.items()
    )
    return AccuracyFile(
        figures=tuple(figures),
        is_timm=True,
        row_count=len(table.rows),
        unread_columns=(),
        renamed=(),
    )


def _input_size(row: TableRow, column: str) -> ImageSize | None:
    """The size that a row's figures were taken at; None where it says none."""
    text = row.cells.get(column, "")
    if not text:
        return None
    try:
        return parse_size(text)
    except ValueError:
        problem = f"{text[:40]!r} is no size of 1 to {MAX_SIDE} pixels: write 224 or 192x48"
        raise AccuracyInvalid(row.line, column, problem) from None


def _percent(row: TableRow, column: str) -> float:
    """Reads 91.2, 91,2 and 91.2 %; a percentage has no thousands that a comma could part."""
    told = row.cells[column]
    number = told.removesuffix("%").rstrip()
    if _DECIMAL_COMMA.fullmatch(number):
        number = number.replace(",", ".")
    try:
        percent = float(number)
    except ValueError:
        raise AccuracyInvalid(row.line, column, f"{told[:40]!r} is not a number") from None
    if not math.isfinite(percent):
        raise AccuracyInvalid(row.line, column, f"{told[:40]!r} is not a percentage")
    return percent


def _choice(row: TableRow, column: str, choices: type[_ChoiceT], joint: str) -> _ChoiceT:
    """The one that is meant, whatever its case and what parts its words: Top-1, INT8_STATIC."""
    name = row.cells[column]
    meant = re.sub(r"[\s_-]+", "", name).casefold()
    for choice in choices:
        if str(choice.value).replace("-", "") == meant:
            return choice
    there_are = joint.join(choice.value for choice in choices)
    problem = f"{name[:40]!r} is no {column}; there are {there_are}"
    raise AccuracyInvalid(row.line, column, problem)
