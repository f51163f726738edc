"""Measurements as a file for other programs: CSV, JSON or Parquet.

CSV and Parquet have the flat columns of `COLUMNS`, one row a measurement, with units in the names;
Parquet adds the raw latencies and JSON everything.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, sustained_minutes
from controller.files import replacing
from controller.views.documents import to_document
from controller.views.reasons import sentences

_TEXT: Final = pa.string()
_WHOLE: Final = pa.int64()
_REAL: Final = pa.float64()
_YES_OR_NO: Final = pa.bool_()

COLUMNS: Final[Mapping[str, pa.DataType]] = MappingProxyType(
    {
        "measurement_id": _TEXT,
        "sweep_id": _TEXT,
        "job_id": _TEXT,
        "device": _TEXT,
        "backbone": _TEXT,
        "series": _TEXT,
        "runtime": _TEXT,
        "runtime_version": _TEXT,
        "runtime_build": _TEXT,
        "format": _TEXT,
        "precision": _TEXT,
        "target": _TEXT,
        "input_size_px": _WHOLE,
        "batch": _WHOLE,
        "threads": _WHOLE,
        "busy_threads": _WHOLE,
        "affinity": _TEXT,
        "cores": _TEXT,
        "flush_denormals": _YES_OR_NO,
        "onnxruntime_execution_provider": _TEXT,
        "onnxruntime_graph_optimization": _TEXT,
        "onnxruntime_spinning": _YES_OR_NO,
        "onnxruntime_arena": _YES_OR_NO,
        "weights": _TEXT,
        "weights_digest": _TEXT,
        "artifact_sha256": _TEXT,
        "artifact_size_bytes": _WHOLE,
        "max_relative_difference": _REAL,
        "checked_through": _TEXT,
        "verdict": _TEXT,
        "reason": _TEXT,
        "measured_at_unix_ms": _WHOLE,
        "top1_percent": _REAL,
        "top5_percent": _REAL,
        "accuracy_source": _TEXT,
        "accuracy_dataset": _TEXT,
        "params_m": _REAL,
        "flops_g": _REAL,
        "latency_median_ms": _REAL,
        "latency_low_ms": _REAL,
        "latency_high_ms": _REAL,
        "latency_p90_ms": _REAL,
        "latency_p99_ms": _REAL,
        "latency_mad_ms": _REAL,
        "latency_min_ms": _REAL,
        "latency_first_run_ms": _REAL,
        "latency_load_ms": _REAL,
        "latency_sample_count": _WHOLE,
        "latency_repetition_count": _WHOLE,
        "latency_stop_reason": _TEXT,
        "latency_outlier_count": _WHOLE,
        "memory_peak_rss_bytes": _WHOLE,
        "memory_baseline_rss_bytes": _WHOLE,
        "memory_pss_bytes": _WHOLE,
        "memory_load_peak_rss_bytes": _WHOLE,
        "memory_first_run_peak_rss_bytes": _WHOLE,
        "memory_steady_peak_rss_bytes": _WHOLE,
        "memory_private_dirty_bytes": _WHOLE,
        "memory_anonymous_bytes": _WHOLE,
        "memory_file_backed_bytes": _WHOLE,
        "memory_mapped_artifact_bytes": _WHOLE,
        "memory_least_peak_rss_bytes": _WHOLE,
        "sustained_minutes": _WHOLE,
        "repetitions_wanted": _WHOLE,
    }
)
"""The flat columns and their types; a figure that is not there is empty."""

RAW_COLUMN: Final = "latency_ns"
"""Parquet only: the raw latencies, a list for each repetition; empty where they were not read."""

# The columns whose name carries a unit that the document's field has no room for.
_FIELD_OF_COLUMN: Final = {
    "input_size_px": "input_size",
    "top1_percent": "top1",
    "top5_percent": "top5",
}


class ExportFailed(EdgerankError):
    """The file could not be written; the message says why."""


def write_export(measurements: Iterable[Measurement], path: Path) -> None:
    """Write measurements to a file of the kind that its suffix names: .csv, .json or .parquet.

    The file appears whole or not at all, and replaces an older one.

    Raises:
        ExportFailed: another suffix, or the file cannot be written.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ExportFailed(
            ErrorCode.INVALID_INPUT,
            f"cannot export to {path.name!r}: name a file that ends in .csv, .json or .parquet",
        )
    try:
        with replacing(path) as file:
            write(measurements, file)
    except OSError as error:
        raise ExportFailed(
            ErrorCode.STORAGE,
            f"cannot write {path}: {error.strerror or error}; choose another place",
        ) from error


def flat_row(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement under the names of `COLUMNS`.

    Affinity and the cores that were asked for are lists, 0,1,2; no cores is every one.
    """
    document = cast(dict[str, Any], to_document(measurement))
    flat: dict[str, Any] = dict(document)
    for group in ("latency", "memory"):
        figures = document[group]
        if isinstance(figures, dict):
            flat |= {f"{group}_{name}": figure for name, figure in figures.items()}
    settings = document["settings"]
    if isinstance(settings, dict):
        flat["cores"] = _listed(settings["cores"])
        flat["flush_denormals"] = settings["flush_denormals"]
        told = settings["onnxruntime"] or {}
        flat |= {f"onnxruntime_{name}": value for name, value in told.items()}
    flat["reason"] = sentences(measurement.reasons)
    flat["sustained_minutes"] = sustained_minutes(measurement)
    flat["affinity"] = _listed(measurement.affinity)
    return {column: flat.get(_FIELD_OF_COLUMN.get(column, column)) for column in COLUMNS}


def _listed(cores: Iterable[int]) -> str:
    return ",".join(str(core) for core in cores)


def _write_csv(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    with _as_text(file) as text:
        writer = csv.DictWriter(text, fieldnames=list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        for measurement in measurements:
            row = flat_row(measurement)
            writer.writerow({column: _cell(value) for column, value in row.items()})


def _cell(value: Any) -> Any:
    # As in JSON.
    return str(value).lower() if isinstance(value, bool) else value


def _write_json(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    # A list with one measurement a line: readable as JSON, and by tools that work by lines.
    with _as_text(file) as text:
        text.write("[")
        for place, measurement in enumerate(measurements):
            text.write(",\n" if place else "\n")
            json.dump(to_document(measurement), text, ensure_ascii=False, allow_nan=False)
        text.write("\n]\n")


def _write_parquet(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    raw = pa.field(RAW_COLUMN, pa.list_(pa.list_(pa.int64())))
    rows = [
        flat_row(measurement)
        | {RAW_COLUMN: [repetition.latency_ns for repetition in measurement.repetitions]}
        for measurement in measurements
    ]
    schema = pa.schema([*COLUMNS.items(), raw])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)


_WRITERS: Final[Mapping[str, Callable[[Iterable[Measurement], IO[bytes]], None]]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}


@contextmanager
def _as_text(file: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    yield text
    text.detach()
