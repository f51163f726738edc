"""A table in a CSV file as spreadsheets and people write it: a header, then rows."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from controller.domain.catalog import AccuracyInvalid
from controller.views.counting import counted

_SEPARATORS: Final = ",;\t"
_SEPARATOR_NAMES: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
# The first line of a file that a spreadsheet made for others of its kind.
_SPREADSHEET_HINT: Final = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A row: the number of its line, and its cells by their column, without spaces around."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """What stands in a file.

    Attributes:
        header_line: line of the header.
        header: its cells as they were found.
        columns: what each cell of the header means; two never mean the same.
        separator: what stands between two cells.
        rows: all rows in which anything stands.
    """

    header_line: int
    header: tuple[str, ...]
    columns: tuple[str, ...]
    separator: str
    rows: tuple[TableRow, ...]

    def found_words(self) -> str:
        """What was found in the place of the header, with what separates it."""
        if not self.header:
            return "the file is empty"
        if len(self.header) == 1:
            return f"found was only {self.header[0][:80]!r}"
        between = _SEPARATOR_NAMES[self.separator]
        return f"found, with {between} between them, were {','.join(self.header)[:200]}"


def read_table(content: bytes, meaning: Callable[[str], str | None]) -> CsvTable:
    """The table of a file.

    A comma, semicolon or tab may separate cells: what makes most columns of the header known, then
    what makes most cells of it.

    Args:
        content: the file.
        meaning: the column that a cell of the header means, None for one that is not known; such a
            column keeps its own name.

    Raises:
        AccuracyInvalid: no text in UTF-8, no CSV, a column that is there twice, or a row with more
            or fewer cells than the header.
    """
    text = _decoded(content)
    hint = _SPREADSHEET_HINT.match(text)
    separators = hint[1] if hint else _SEPARATORS
    candidates = [(each, _first_row(text, each, bool(hint))) for each in separators]
    separator, _ = max(
        candidates,
        key=lambda each: (sum(meaning(cell) is not None for cell in each[1]), len(each[1])),
    )
    lines = _lines(text, separator, bool(hint))
    header_line, header = next(lines, (1, []))
    while header and not header[-1]:
        header.pop()
    columns = tuple(meaning(cell) or cell for cell in header)
    _check_once(header_line, columns)
    rows = tuple(
        TableRow(line=line, cells=_by_column(line, columns, cells)) for line, cells in lines
    )
    return CsvTable(
        header_line=header_line,
        header=tuple(header),
        columns=columns,
        separator=separator,
        rows=rows,
    )


def _decoded(content: bytes) -> str:
    """The text of a file, in UTF-8, or in UTF-16 where a mark says so."""
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise AccuracyInvalid(row, None, "it is not UTF-8 text; save the file as UTF-8") from error


def _first_row(text: str, separator: str, has_hint: bool) -> list[str]:
    try:
        return next(_lines(text, separator, has_hint), (1, []))[1]
    except AccuracyInvalid:
        return []


def _lines(text: str, separator: str, has_hint: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows in which anything stands, each with the number of its line."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        if has_hint:
            next(reader)
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise AccuracyInvalid(reader.line_num, None, f"it is no CSV ({error})") from error


def _check_once(line: int, columns: Sequence[str]) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise AccuracyInvalid(line, None, f"the column {column[:80]!r} is there twice")


def _by_column(line: int, columns: Sequence[str], cells: list[str]) -> dict[str, str]:
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        found = counted(len(cells), "cell")
        raise AccuracyInvalid(line, None, f"it has {found}, not {len(columns)}")
    return dict(zip(columns, cells, strict=True))
