"""Measurements as a file for other programs: CSV, JSON or Parquet.

CSV and Parquet have the flat columns of `COLUMNS`, one row a measurement, with units in the names;
Parquet adds the raw latencies and JSON everything.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, cast

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, sustained_minutes
from controller.views.documents import spelt_safely, to_document
from controller.views.reasons import sentences
from models.files import replacing
from protos.names import printable
from protos.runtimes import CPU_PROVIDER


class Kind(Enum):
    """What the cells of a column are, by the name that Arrow has for them."""

    TEXT = "string"
    WHOLE = "int64"
    REAL = "float64"
    YES_OR_NO = "bool"


COLUMNS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "measurement_id": Kind.TEXT,
        "sweep_id": Kind.TEXT,
        "job_id": Kind.TEXT,
        "device": Kind.TEXT,
        "backbone": Kind.TEXT,
        "series": Kind.TEXT,
        "runtime": Kind.TEXT,
        "runtime_version": Kind.TEXT,
        "runtime_build": Kind.TEXT,
        "format": Kind.TEXT,
        "precision": Kind.TEXT,
        "target": Kind.TEXT,
        "input_height_px": Kind.WHOLE,
        "input_width_px": Kind.WHOLE,
        "batch": Kind.WHOLE,
        "threads": Kind.WHOLE,
        "busy_threads": Kind.WHOLE,
        "affinity": Kind.TEXT,
        "cores": Kind.TEXT,
        "flush_denormals": Kind.YES_OR_NO,
        "onnxruntime_execution_provider": Kind.TEXT,
        "onnxruntime_graph_optimization": Kind.TEXT,
        "onnxruntime_spinning": Kind.YES_OR_NO,
        "onnxruntime_arena": Kind.YES_OR_NO,
        "weights": Kind.TEXT,
        "weights_digest": Kind.TEXT,
        "artifact_sha256": Kind.TEXT,
        "artifact_size_bytes": Kind.WHOLE,
        "max_relative_difference": Kind.REAL,
        "checked_through": Kind.TEXT,
        "verdict": Kind.TEXT,
        "reason": Kind.TEXT,
        "measured_at_unix_ms": Kind.WHOLE,
        "top1_percent": Kind.REAL,
        "top5_percent": Kind.REAL,
        "accuracy_source": Kind.TEXT,
        "accuracy_dataset": Kind.TEXT,
        "accuracy_input_height_px": Kind.WHOLE,
        "accuracy_input_width_px": Kind.WHOLE,
        "params_m": Kind.REAL,
        "flops_g": Kind.REAL,
        "latency_median_ms": Kind.REAL,
        "latency_low_ms": Kind.REAL,
        "latency_high_ms": Kind.REAL,
        "latency_per_image_ms": Kind.REAL,
        "latency_p90_ms": Kind.REAL,
        "latency_p99_ms": Kind.REAL,
        "latency_mad_ms": Kind.REAL,
        "latency_min_ms": Kind.REAL,
        "latency_first_run_ms": Kind.REAL,
        "latency_load_ms": Kind.REAL,
        "latency_sample_count": Kind.WHOLE,
        "latency_repetition_count": Kind.WHOLE,
        "latency_stop_reason": Kind.TEXT,
        "latency_outlier_count": Kind.WHOLE,
        "memory_peak_rss_bytes": Kind.WHOLE,
        "memory_baseline_rss_bytes": Kind.WHOLE,
        "memory_pss_bytes": Kind.WHOLE,
        "memory_load_peak_rss_bytes": Kind.WHOLE,
        "memory_first_run_peak_rss_bytes": Kind.WHOLE,
        "memory_steady_peak_rss_bytes": Kind.WHOLE,
        "memory_private_dirty_bytes": Kind.WHOLE,
        "memory_anonymous_bytes": Kind.WHOLE,
        "memory_file_backed_bytes": Kind.WHOLE,
        "memory_mapped_artifact_bytes": Kind.WHOLE,
        "memory_least_peak_rss_bytes": Kind.WHOLE,
        "outputs_input_count": Kind.WHOLE,
        "outputs_repetition_count": Kind.WHOLE,
        "outputs_max_relative_difference": Kind.REAL,
        "outputs_l2_relative_difference": Kind.REAL,
        "outputs_top1_agreement": Kind.REAL,
        "output_tolerance": Kind.REAL,
        "sustained_minutes": Kind.WHOLE,
        "paced_fps": Kind.REAL,
        "paced_frame_count": Kind.WHOLE,
        "paced_missed_count": Kind.WHOLE,
        "paced_dropped_count": Kind.WHOLE,
        "paced_missed_share": Kind.REAL,
        "paced_times_back_to_back": Kind.REAL,
        **{
            f"paced_latency_{name}_ms": Kind.REAL
            for name in ("median", "low", "high", "p90", "p99", "mad", "min")
        },
        "delegation_is_full": Kind.YES_OR_NO,
        "delegation_node_share": Kind.REAL,
        "delegation_time_share": Kind.REAL,
        "energy_source": Kind.TEXT,
        "energy_per_inference_mj": Kind.REAL,
        "energy_low_mj": Kind.REAL,
        "energy_high_mj": Kind.REAL,
        "energy_was_charging": Kind.YES_OR_NO,
        "repetitions_wanted": Kind.WHOLE,
        "emulator": Kind.TEXT,
    }
)
"""The flat columns and their kinds; a figure that is not there is empty."""

RAW_COLUMN: Final = "latency_ns"
"""Parquet only: the raw latencies, a list for each repetition; empty where they were not read."""

# The columns whose name carries a unit that the document's field has no room for.
_FIELD_OF_COLUMN: Final = {
    "top1_percent": "top1",
    "top5_percent": "top5",
}


_MAX_WHOLE: Final = 2**63 - 1
# Of a group of rows of Parquet, which is put together in memory.
_MOST_ROWS: Final = 5_000
_MOST_SAMPLES: Final = 1_000_000
_FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportFailed(EdgerankError):
    """The file could not be written; the message says why."""


def check_kind(path: Path) -> None:
    """Refuse a file of a kind that nothing is exported to.

    Raises:
        ExportFailed: another suffix than .csv, .json and .parquet.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ExportFailed(
            ErrorCode.INVALID_INPUT,
            f"cannot export to {path.name!r}: name a file that ends in .csv, .json or .parquet",
        )


def write_export(measurements: Iterable[Measurement], path: Path) -> None:
    """Write measurements to a file of the kind that its suffix names: .csv, .json or .parquet.

    The file appears whole or not at all, and replaces an older one.

    Raises:
        ExportFailed: another suffix, or the file cannot be written.
    """
    check_kind(path)
    write = _WRITERS[path.suffix.lower()]
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
    paced = document["paced"]
    groups = {group: document[group] for group in ("latency", "memory", "outputs", "paced")}
    groups["paced_latency"] = paced["latency"] if isinstance(paced, dict) else None
    for group, figures in groups.items():
        if isinstance(figures, dict):
            flat |= {f"{group}_{name}": figure for name, figure in figures.items()}
    energy = measurement.energy
    if energy is not None:
        flat["energy_was_charging"] = energy.was_charging
        # The first meter; JSON has all of them.
        for meter in energy.meters[:1]:
            flat |= {f"energy_{name}": figure for name, figure in vars(meter).items()}
    if measurement.delegation is not None:
        given = [p for p in measurement.delegation.providers if p.provider != CPU_PROVIDER]
        flat["delegation_is_full"] = measurement.delegation.is_full
        flat["delegation_node_share"] = sum(each.node_share for each in given)
        flat["delegation_time_share"] = sum(each.time_share for each in given)
    settings = document["settings"]
    if isinstance(settings, dict):
        flat["cores"] = _listed(settings["cores"])
        flat["flush_denormals"] = settings["flush_denormals"]
        told = settings["onnxruntime"] or {}
        flat |= {f"onnxruntime_{name}": value for name, value in told.items()}
    flat["input_height_px"] = measurement.input_size.height
    flat["input_width_px"] = measurement.input_size.width
    known = measurement.accuracy_input_size
    flat["accuracy_input_height_px"] = known and known.height
    flat["accuracy_input_width_px"] = known and known.width
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


def _write_parquet(measurements: Iterable[Measurement], file: IO[bytes]) -> None:
    # They take as long to load as all the rest of the command, and only this file needs them.
    import pyarrow as pa  # noqa: PLC0415 - as said above
    import pyarrow.parquet as pq  # noqa: PLC0415 - as said above

    raw = pa.field(RAW_COLUMN, pa.list_(pa.list_(pa.int64())))
    columns = [(name, pa.type_for_alias(kind.value)) for name, kind in COLUMNS.items()]
    schema = pa.schema([*columns, raw])
    with pq.ParquetWriter(file, schema) as writer:
        for some in _batches(measurements):
            rows = [
                {column: _storable(value) for column, value in flat_row(each).items()}
                | {RAW_COLUMN: [repetition.latency_ns for repetition in each.repetitions]}
                for each in some
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


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
    ".parquet": _write_parquet,
}


@contextmanager
def _as_text(file: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    yield text
    text.detach()
