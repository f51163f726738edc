"""A CSV file of accuracy, read row by row."""

import csv
import io
import math
from collections.abc import Sequence
from enum import Enum
from typing import Final, TypeVar

from controller.domain.catalog import COLUMNS, AccuracyFigure, AccuracyInvalid, AccuracyMetric
from models.catalog.variants import Precision

MAX_FILE_BYTES: Final = 8_000_000

_ChoiceT = TypeVar("_ChoiceT", bound=Enum)


def parse_accuracies(content: bytes) -> tuple[AccuracyFigure, ...]:
    """The figures of a CSV file, each with its row; what they mean is for `check_accuracies`.

    Raises:
        AccuracyInvalid: no UTF-8, other columns, a row of another length, no number, or a metric
            or precision that there is not.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise AccuracyInvalid(row, None, "it is not UTF-8 text; save the file as UTF-8") from error
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise AccuracyInvalid(1, None, f"the columns must be {','.join(COLUMNS)}")
        figures = tuple(_figure(reader.line_num, cells) for cells in reader if cells)
    except csv.Error as error:
        raise AccuracyInvalid(reader.line_num, None, f"it is no CSV ({error})") from error
    if not figures:
        raise AccuracyInvalid(2, None, "there is no figure below the header")
    return figures


def _figure(row: int, cells: Sequence[str]) -> AccuracyFigure:
    if len(cells) != len(COLUMNS):
        raise AccuracyInvalid(row, None, f"it has {len(cells)} cells, not {len(COLUMNS)}")
    name, dataset, metric, value, precision, source = (cell.strip() for cell in cells)
    try:
        percent = float(value)
    except ValueError:
        raise AccuracyInvalid(row, "value", f"{value[:40]!r} is not a number") from None
    if not math.isfinite(percent):
        raise AccuracyInvalid(row, "value", f"{value[:40]!r} is not a percentage")
    return AccuracyFigure(
        row=row,
        backbone=name,
        dataset=dataset,
        metric=_choice(row, "metric", metric, AccuracyMetric, " and "),
        value_percent=percent,
        precision=_choice(row, "precision", precision, Precision, ", "),
        source=source,
    )


def _choice(row: int, column: str, name: str, choices: type[_ChoiceT], joint: str) -> _ChoiceT:
    try:
        return choices(name)
    except ValueError:
        there_are = joint.join(choice.value for choice in choices)
        problem = f"{name!r} is no {column}; there are {there_are}"
        raise AccuracyInvalid(row, column, problem) from None
