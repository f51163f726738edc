"""Repetitions as rows: raw samples as bytes, the rest as columns and documents."""

from collections.abc import Sequence
from typing import Any

import cattrs
import numpy as np
from sqlalchemy import Row

from controller.state.schema import SAMPLE_TYPE
from protos.device import DeviceState
from protos.measuring import ProcessMemory, Repetition, StopReason


def repetition_row(repetition: Repetition) -> dict[str, object]:
    """The columns that hold a repetition."""
    return {
        "latency_ns": _pack(repetition.latency_ns),
        "warmup_ns": _pack(repetition.warmup_ns),
        "load_ns": repetition.load_ns,
        "peak_rss_bytes": repetition.peak_rss_bytes,
        "baseline_rss_bytes": repetition.baseline_rss_bytes,
        "pss_bytes": repetition.pss_bytes,
        "busy_threads": repetition.busy_threads,
        "stop_reason": repetition.stop_reason.value,
        "before": cattrs.unstructure(repetition.before),
        "after": cattrs.unstructure(repetition.after),
        "during": cattrs.unstructure(repetition.during),
        "memory": cattrs.unstructure(repetition.memory),
        "samples_per_minute": cattrs.unstructure(repetition.samples_per_minute),
        "warmup_settled": repetition.warmup_settled,
    }


def stored_repetition(row: Row[Any]) -> Repetition:
    """The repetition that a row of the table holds."""
    return Repetition(
        latency_ns=_unpack(row.latency_ns),
        warmup_ns=_unpack(row.warmup_ns),
        load_ns=row.load_ns,
        peak_rss_bytes=row.peak_rss_bytes,
        baseline_rss_bytes=row.baseline_rss_bytes,
        pss_bytes=row.pss_bytes,
        busy_threads=row.busy_threads,
        stop_reason=StopReason(row.stop_reason),
        before=_device_state(row.before),
        after=_device_state(row.after),
        during=cattrs.structure(row.during or (), tuple[DeviceState, ...]),
        memory=None if row.memory is None else cattrs.structure(row.memory, ProcessMemory),
        is_suspect=row.is_suspect,
        samples_per_minute=tuple(row.samples_per_minute or ()),
        warmup_settled=row.warmup_settled,
    )


def _device_state(document: dict[str, object] | None) -> DeviceState | None:
    return None if document is None else cattrs.structure(document, DeviceState)


def _pack(samples: Sequence[int]) -> bytes:
    return np.asarray(samples, dtype=SAMPLE_TYPE).tobytes()


def _unpack(blob: bytes) -> tuple[int, ...]:
    return tuple(np.frombuffer(blob, dtype=SAMPLE_TYPE).tolist())
