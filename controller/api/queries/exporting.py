"""Measurements for a file of many: in the columns of an export, a page after the other."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controller.domain.measurements import MeasurementFilter, Verdict, per_image_ms
from controller.state.database import Database
from controller.state.measurements import are_times, weights_inside
from controller.state.measurements.exporting import Packed, StoredPage, read_stored
from controller.state.measurements.pages import Place, find_measurements
from controller.state.schema.columns import Unreadable, read_document
from controller.views.documents import to_document
from controller.views.export import arrow_column, arrow_table, table_of_whole
from controller.views.export.arrays import lists_of_lists, nested, whole_numbers
from controller.views.export.columns import (
    FIGURES,
    OF_JOB,
    OWN,
    JobParts,
    figure_columns,
    job_columns,
    listed,
)
from controller.views.export.figures import figures_of_texts
from controller.views.reasons import sentences
from models.catalog.variants import CheckedThrough, WeightsKind
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings
from protos.reasons import Reason

# Fields of whose columns there is another name.
_STORED_AS: Final = {"artifact_sha256": "sha256", "artifact_size_bytes": "size_bytes"}
_INSTEAD: Final = {
    "series": "",
    "weights_digest": "",
    "artifact_sha256": "",
    "artifact_size_bytes": 0,
    "max_relative_difference": 0.0,
    "checked_through": CheckedThrough.NOTHING.value,
    "accuracy_source": "",
}
_WEIGHTS: Final = ("series", "weights", "weights_asked")
_ENDS: Final = ("latency_median_ms", "latency_low_ms", "latency_high_ms")
# Figures that have more than figures inside.
_NESTED: Final = ("paced", "energy", "delegation")
_VERDICTS: Final = frozenset(
    each for verdict in Verdict for each in (verdict.value, verdict.value.encode())
)
_SHARED: Final = 4_096
# What comes of making columns of what is stored in another form than ours.
_DAMAGED: Final = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(NotImplementedError, RecursionError),
)


def stream_after(
    database: Database, wanted: MeasurementFilter, after: Place | None
) -> tuple[bytes, Place | None]:
    """The next measurements that the filter lets through, and behind which more of them follow.

    They are a whole stream of Arrow's IPC format, in the columns of an export. It is one thread
    that reads and makes them: of two, whichever reads stands still at each row while the other one
    makes, and both take longer together.
    """
    page = read_stored(database, wanted, after)
    return _stream_of(database, wanted, page), page.last


def _stream_of(database: Database, wanted: MeasurementFilter, page: StoredPage) -> bytes:
    """Where something of them cannot be read, they are made one by one, which leaves that out."""
    try:
        table = _table(page, wanted.accuracy_dataset)
    except _DAMAGED:
        found = find_measurements(database, page.ids, wanted)
        table = table_of_whole([found[each] for each in page.ids if each in found])
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return bytes(stream.getvalue().to_pybytes())


def _table(page: StoredPage, dataset: str) -> pa.Table:
    if not page.ids:
        return table_of_whole(())
    if None in page.kinds or None in page.columns["device"]:
        raise LookupError("of a measurement")
    columns, jobs = page.columns, _job_parts(page.jobs, dataset)
    if not _VERDICTS.issuperset(columns["verdict"]):
        raise ValueError("verdict")
    kinds = whole_numbers(np.array(page.kinds, dtype=np.int32))
    told: dict[str, Any] = {
        **{name: columns[name] for name in OWN},
        **{name: arrow_column(name, of).take(kinds) for name, of in job_columns(jobs).items()},
        **figure_columns({name: _documents(columns[name]) for name in _NESTED}),
        **figures_of_texts({name: columns[name] for name in FIGURES if name not in _NESTED}),
        "affinity": [_affinity(each) for each in columns["affinity"]],
        "reason": [_sentences(each) for each in columns["reasons"]],
    }
    _check_times(*(told[name] for name in _ENDS), missing=columns["latency"].count(None))
    batches = [jobs.plain["batch"][kind] for kind in page.kinds if kind is not None]
    told["latency_per_image_ms"] = (
        [None] * len(batches)
        if set(jobs.plain["batch"]) == {1}
        else list(map(per_image_ms, told["latency_median_ms"].to_pylist(), batches))
    )
    return arrow_table(told, _raw(page.packed, len(page.ids)))


def _check_times(*ends: pa.Array, missing: int) -> None:
    """Refuse latencies of which there are no ratios."""
    for each in ends:
        least, most = pc.min_max(each).as_py().values()
        if each.null_count != missing or pc.any(pc.is_nan(each)).as_py():
            raise ValueError("latency")
        if least is not None and not are_times(least, most, most):
            raise ValueError("latency")


def _job_parts(columns: Mapping[str, Sequence[Any]], dataset: str) -> JobParts:
    settings = [_settings(each) for each in columns["settings"]]
    sizes = columns["input_size"]
    plain = {
        name: [_INSTEAD.get(name) if each is None else each for each in columns[stored]]
        for name in OF_JOB
        if (stored := _STORED_AS.get(name, name)) in columns
    }
    known = {name: _is_known(columns[f"{name}_input_size"], sizes) for name in ("top1", "top5")}
    plain |= {
        "runtime": [each["runtime"] for each in settings],
        "threads": [each["threads"] for each in settings],
        "weights": [
            weights_inside(series, inside, asked, WeightsKind.OWN.value)
            for series, inside, asked in zip(*(columns[name] for name in _WEIGHTS), strict=True)
        ],
        "top1": _where(known["top1"], plain["top1"], None),
        "top5": _where(known["top5"], plain["top5"], None),
        "accuracy_source": _where(known["top1"], plain["accuracy_source"], ""),
        "accuracy_dataset": [dataset] * len(settings),
    }
    return JobParts(
        plain=plain,
        settings=settings,
        input_sizes=[_size(each) for each in sizes],
        accuracy_sizes=[each and _size(each) for each in columns["top1_input_size"]],
    )


def _is_known(of: Sequence[str | None], sizes: Sequence[str]) -> list[bool]:
    """Whether accuracies hold at the sizes of the images."""
    return [each in (None, size) for each, size in zip(of, sizes, strict=True)]


def _where(holds: Sequence[bool], values: Sequence[Any], otherwise: Any) -> list[Any]:
    return [value if is_so else otherwise for is_so, value in zip(holds, values, strict=True)]


def _documents(texts: Sequence[Any]) -> list[Any]:
    if not any(texts):
        return [None] * len(texts)
    told = ["null" if each is None else _text(each) for each in texts]
    found: list[Any] = json.loads(f"[{','.join(told)}]")
    return found


def _text(stored: Any) -> str:
    if isinstance(stored, bytes):
        return stored.decode()
    # A database with a type for JSON has read it.
    return stored if isinstance(stored, str) else json.dumps(stored)


def _settings(stored: Any) -> Any:
    return _settings_of(_text(stored))


@lru_cache(maxsize=_SHARED)
def _settings_of(text: str) -> Any:
    """The document of settings, with what one of an older version lacks."""
    return to_document(_made(text, MeasureSettings))


@lru_cache(maxsize=_SHARED)
def _sentences(stored: str | bytes) -> str:
    return sentences(_made(_text(stored), tuple[Reason, ...]))


@lru_cache(maxsize=_SHARED)
def _affinity(stored: str | bytes) -> str:
    return listed(_made(_text(stored), tuple[int, ...]))


def _made(text: str, kind: Any) -> Any:
    found = read_document(text, kind)
    if found is None or isinstance(found, Unreadable):
        raise ValueError(kind)
    return found


@lru_cache(maxsize=_SHARED)
def _size(text: str) -> ImageSize:
    return ImageSize(*map(int, text.split("x")))


def _raw(packed: Packed | None, count: int) -> pa.Array:
    if packed is None:
        return nested([()] * count)
    found = packed.samples()
    return lists_of_lists(found.values, found.repetition_ends, found.row_ends)
