"""The rows of a database's first device for others, too, with figures of their own.

Rows are taken as they are stored, so that they are of the same tables with all of their columns.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from controller.domain.rankings.rows import TIMES
from controller.state.database import Database
from controller.state.schema.columns import Samples

_TABLES: Final = ("jobs", "measurements", "repetitions")
_DIGITS: Final = 8
# Not of the latency: counted, or the same for all.
_COUNTED: Final = frozenset({"sample_count", "repetition_count", "stop_reason", "outlier_count"})


def multiply(database: Database, device_ids: Sequence[str]) -> None:
    """Gives every device but the first what the first has, in one transaction.

    Job and measurement ids begin with the number of the device, in hexadecimal digits.
    """
    rng = np.random.default_rng(11)
    with database.writing() as transaction:
        first = {}
        for table in _TABLES:
            found = transaction.exec_driver_sql(f"SELECT * FROM {table} ORDER BY job_id")
            first[table] = list(found.keys()), found.fetchall()
        latencies = _latencies(*first["measurements"])
        samples = _samples(*first["repetitions"])
        times = _times(*first["measurements"])
        for number, device_id in list(enumerate(device_ids))[1:]:
            factors = (1 + number / 50) * np.exp(0.1 * rng.standard_normal(len(latencies)))
            changed: Mapping[str, Sequence[Any]] = {
                "latency": [
                    pattern % tuple((figures * factor).tolist())
                    for (pattern, figures), factor in zip(latencies, factors, strict=True)
                ],
                "latency_ns": [
                    (of_one * factor).astype(Samples.PACKED).tobytes()
                    for of_one, factor in zip(samples, factors, strict=True)
                ],
                **{name: (column * factors).tolist() for name, column in times.items()},
            }
            for table, (names, rows) in first.items():
                marks = ", ".join("?" * len(names))
                transaction.exec_driver_sql(
                    f"INSERT INTO {table} ({', '.join(map(_quoted, names))}) VALUES ({marks})",
                    list(_of_device(number, device_id, names, rows, changed)),
                )


def _of_device(
    number: int,
    device_id: str,
    names: Sequence[str],
    rows: Sequence[Any],
    changed: Mapping[str, Sequence[Any]],
) -> Iterator[tuple[Any, ...]]:
    begin = f"{number:0{_DIGITS}x}"
    ids = [at for at, name in enumerate(names) if name in ("job_id", "measurement_id")]
    shifted = [
        (names.index(name), by)
        for name, by in (("ordinal", number * len(rows)), ("committed_at_unix_ms", number))
        if name in names and "measurement_id" in names
    ]
    columns = [(names.index(name), values) for name, values in changed.items() if name in names]
    device = names.index("device_id") if "device_id" in names else None
    for at, row in enumerate(rows):
        own = list(row)
        for place in ids:
            own[place] = begin + own[place][_DIGITS:]
        for place, by in shifted:
            own[place] += by
        for place, values in columns:
            own[place] = values[at]
        if device is not None:
            own[device] = device_id
        yield tuple(own)


def _latencies(names: Sequence[str], rows: Sequence[Any]) -> list[tuple[str, Any]]:
    """Of each document a pattern of its text, and the figures that have a place in it."""
    found = []
    for row in rows:
        document = json.loads(row[names.index("latency")])
        parts = [
            f"{json.dumps(name)}: {json.dumps(value) if name in _COUNTED else '%r'}"
            for name, value in document.items()
        ]
        figures = [value for name, value in document.items() if name not in _COUNTED]
        found.append((f"{{{', '.join(parts)}}}", np.array(figures)))
    return found


def _times(names: Sequence[str], rows: Sequence[Any]) -> dict[str, Any]:
    return {name: np.array([row[names.index(name)] for row in rows]) for name in TIMES}


def _samples(names: Sequence[str], rows: Sequence[Any]) -> list[Any]:
    at = names.index("latency_ns")
    return [np.frombuffer(row[at], dtype=Samples.PACKED) for row in rows]


def _quoted(name: str) -> str:
    return f'"{name}"'
