"""Measurements as a file for other programs: CSV, JSON, JSON lines or Parquet.

CSV and Parquet have the flat columns of `COLUMNS`, one row a measurement, with units in the names;
Parquet adds the raw latencies and JSON everything.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.views.documents import spelt_safely, to_document
from controller.views.export.columns import COLUMNS, RAW_COLUMN, Kind, flat_columns, parts_of
from models.files import replacing
from protos.names import printable

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_WHOLE: Final = 2**63 - 1
# Of a group of rows of Parquet, which is put together in memory.
_MOST_ROWS: Final = 5_000
_MOST_SAMPLES: Final = 1_000_000
_GROUP_BYTES: Final = 16_000_000
_NOT_UNDERSTOOD: Final = (
    "what the controller sent is not understood; use the same edgerank version on both sides"
)
_FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportFailed(EdgerankError):
    """The file could not be written; the message says why."""


def check_kind(path: Path) -> None:
    """Refuse a file of a kind that nothing is exported to.

    Raises:
        ExportFailed: another suffix than .csv, .json, .jsonl and .parquet.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ExportFailed(
            ErrorCode.INVALID_INPUT,
            f"cannot export to {path.name!r}: name a file that ends in .csv, .json, .jsonl or "
            ".parquet",
        )


def write_export(measurements: Iterable[Measurement], path: Path) -> None:
    """Write measurements to a file of the kind that its suffix names, as `check_kind` knows them.

    The file appears whole or not at all, and replaces an older one.

    Raises:
        ExportFailed: another suffix, or the file cannot be written.
    """
    check_kind(path)
    write = _WRITERS[path.suffix.lower()]
    with _written(path) as file:
        write(measurements, file)


def has_columns(path: Path) -> bool:
    """Whether a file of this kind has the columns of `COLUMNS`, and no more but raw latencies."""
    return path.suffix.lower() in (".csv", ".parquet")


def write_tables(tables: Iterable["pa.Table"], path: Path) -> None:
    """Write tables of `arrow_schema` to a file that has columns, as `write_export` does.

    Raises:
        ExportFailed: the file cannot be written.
    """
    with _written(path) as file:
        if path.suffix.lower() == ".csv":
            write_csv((each.to_pydict() for each in tables), file)
        else:
            write_parquet(_groups(tables), file)


def read_tables(streams: Iterable[bytes]) -> Iterator["pa.Table"]:
    """The tables that a controller sent.

    Raises:
        ExportFailed: what came is none of the columns of an export.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes as long to load as the rest of the command

    schema = arrow_schema()
    for stream in streams:
        try:
            table = pa.ipc.open_stream(stream).read_all()
            table.validate(full=True)
        except pa.ArrowException as error:
            raise ExportFailed(ErrorCode.DAMAGED, f"{_NOT_UNDERSTOOD} ({error})") from error
        if table.schema != schema:
            raise ExportFailed(ErrorCode.DAMAGED, _NOT_UNDERSTOOD)
        yield table


def _groups(tables: Iterable["pa.Table"]) -> Iterator["pa.Table"]:
    """Tables by groups of rows that memory holds."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.nbytes for each in waiting) >= _GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise ExportFailed(
            ErrorCode.STORAGE,
            f"cannot write {path}: {error.strerror or error}; choose another place",
        ) from error


def _write_csv(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    some = (flat_columns(parts_of(each)) for each in _batches(measurements))
    write_csv(some, file)


def write_csv(batches: Iterable[Mapping[str, Sequence[Any]]], file: IO[bytes]) -> None:
    """Write columns of `COLUMNS`, some rows at a time, as CSV."""
    with _as_text(file) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for columns in batches:
            cells = ([_cell(each) for each in columns[name]] for name in COLUMNS)
            writer.writerows(zip(*cells, strict=True))


def _cell(value: Any) -> Any:
    # As in JSON.
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    # What a spreadsheet would compute is text to it behind an apostrophe (OWASP, CSV Injection).
    text = "\n".join(map(printable, value.split("\n")))
    return f"'{text}" if value.startswith(_FORMULA_BEGINS) else text


def _write_json(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    # A list with one measurement a line: readable as JSON, and by tools that work by lines.
    with _as_text(file) as text:
        text.write("[")
        for place, measurement in enumerate(measurements):
            text.write(",\n" if place else "\n")
            document = to_document(measurement)
            text.write(spelt_safely(json.dumps(document, ensure_ascii=False, allow_nan=False)))
        text.write("\n]\n")


def _write_json_lines(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    with _as_text(file) as text:
        for measurement in measurements:
            document = to_document(measurement)
            line = json.dumps(document, ensure_ascii=False, allow_nan=False)
            text.write(f"{spelt_safely(line)}\n")


def _write_parquet(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    write_parquet(map(table_of_whole, _batches(measurements)), file)


def write_parquet(tables: Iterable["pa.Table"], file: IO[bytes]) -> None:
    """Write tables of `arrow_schema`, of which each may be a group of rows, as Parquet."""
    # They take as long to load as all the rest of the command, and only this file needs them.
    import pyarrow.parquet as pq  # noqa: PLC0415 - as said above

    # A dictionary of figures would be as large as they are.
    texts = [name for name, kind in COLUMNS.items() if kind is Kind.TEXT]
    with pq.ParquetWriter(file, arrow_schema(), use_dictionary=texts) as writer:
        for table in tables:
            writer.write_table(table)


def table_of_whole(measurements: Sequence[Measurement]) -> "pa.Table":
    """A table of whole measurements, as `arrow_table`."""
    from controller.views.export.arrays import nested  # noqa: PLC0415 - as above

    samples = [[each.latency_ns for each in m.repetitions] for m in measurements]
    return arrow_table(flat_columns(parts_of(measurements)), nested(samples))


def arrow_table(columns: Mapping[str, Any], samples: "pa.Array") -> "pa.Table":
    """A table of columns of `COLUMNS`, and of raw samples, a list of lists for each row."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    found = [arrow_column(name, columns[name]) for name in COLUMNS]
    return pa.table([*found, samples], schema=arrow_schema())


def arrow_column(name: str, values: Any) -> "pa.Array":
    """The column of this name of `COLUMNS`; an array stays as it is."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    from controller.views.export.arrays import array_of  # noqa: PLC0415 - as above

    if isinstance(values, pa.Array):
        return values
    try:
        return array_of(COLUMNS[name], values)
    except OverflowError:
        return array_of(COLUMNS[name], [_storable(each) for each in values])


def arrow_schema() -> "pa.Schema":
    """The columns of Parquet and of what a controller sends of an export."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    raw = pa.field(RAW_COLUMN, pa.list_(pa.list_(pa.int64())))
    columns = [(name, pa.type_for_alias(kind.value)) for name, kind in COLUMNS.items()]
    return pa.schema([*columns, raw])


def _batches(measurements: Iterable[Measurement]) -> Iterator[list[Measurement]]:
    """Measurements by groups of rows that memory holds, however many samples they have."""
    some: list[Measurement] = []
    samples = 0
    for each in measurements:
        some.append(each)
        samples += sum(len(repetition.latency_ns) for repetition in each.repetitions)
        if len(some) == _MOST_ROWS or samples >= _MOST_SAMPLES:
            yield some
            some, samples = [], 0
    if some:
        yield some


def _storable(value: Any) -> Any:
    """A value as Parquet takes it, whose whole numbers have 64 bits."""
    is_too_large = isinstance(value, int) and abs(value) > _MAX_WHOLE
    return None if is_too_large else value


_WRITERS: Final[Mapping[str, Callable[[Iterable[Measurement], IO[bytes]], None]]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}


@contextmanager
def _as_text(file: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    yield text
    text.detach()
