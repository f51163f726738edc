"""Parameters and multiply-adds that we counted ourselves, beside the published ones.

What counts and what does not is said in `data/README.md`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, fields

NOTABLE_DIFFERENCE = 0.05
"""Share of the published figure from which on the counted one is shown beside it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one architecture costs at one input size.

    Attributes:
        architecture: name of the building function in PaddleClas.
        input_size: height and width of the input, pixels.
        params: trained parameters.
        multiply_adds: of one image.
    """

    architecture: str
    input_size: int
    params: int
    multiply_adds: int


COLUMNS = tuple(field.name for field in fields(Counted))


class CountsInvalid(ValueError):
    """The file of counted figures is not what it should be."""


def parse_counted(text: str) -> Mapping[tuple[str, int], Counted]:
    """Return the counted figures of a CSV by architecture and input size.

    Raises:
        CountsInvalid: a wrong header or cell, or a row that is there twice.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise CountsInvalid(f"counts row 1: the columns must be {','.join(COLUMNS)}")
    counts: dict[tuple[str, int], Counted] = {}
    for cells in reader:
        row = tuple(cells.get(column) or "" for column in COLUMNS)
        architecture, *figures = row
        if None in cells or not architecture or not all(f.isdecimal() for f in figures):
            raise CountsInvalid(
                f"counts row {reader.line_num}: must hold an architecture and whole numbers"
            )
        counted = Counted(architecture, *map(int, figures))
        key = (counted.architecture, counted.input_size)
        if key in counts:
            raise CountsInvalid(f"counts row {reader.line_num}: {architecture} is there twice")
        counts[key] = counted
    return counts


def differs_notably(published: float | None, counted: float | None) -> bool:
    """Say whether a counted figure is worth showing: nobody published one, or another one."""
    if counted is None:
        return False
    return published is None or abs(counted - published) > NOTABLE_DIFFERENCE * published
