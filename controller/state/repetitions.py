"""Repetitions: raw samples as bytes, the rest as columns and documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cattrs
import numpy as np
from sqlalchemy import Row, and_, insert, select, update

from controller.state.database import Transaction
from controller.state.schema import SAMPLE_TYPE, repetitions, turns
from protos.device import DeviceState
from protos.fleet import Measured
from protos.measuring import ProcessMemory, Repetition, StopReason


@dataclass(frozen=True, kw_only=True)
class TakenRepetition:
    """A repetition as it was taken; `block` is its turn's."""

    ordinal: int
    block: int | None
    repetition: Repetition
    runtime_version: str
    runtime_build: str
    affinity: tuple[int, ...]
    taken_at_unix_ms: int


def record_repetition(
    transaction: Transaction, job_id: str, ordinal: int, measured: Measured, taken_at_unix_ms: int
) -> None:
    """Keeps a repetition with every raw sample."""
    transaction.execute(
        insert(repetitions).values(
            job_id=job_id,
            ordinal=ordinal,
            runtime_version=measured.runtime.version,
            runtime_build=measured.runtime.build,
            affinity=list(measured.affinity),
            taken_at_unix_ms=taken_at_unix_ms,
            **_row(measured.repetition),
        )
    )


def list_taken(transaction: Transaction, job_id: str) -> list[TakenRepetition]:
    """The repetitions of a job, in their order."""
    same = and_(turns.c.job_id == repetitions.c.job_id, turns.c.ordinal == repetitions.c.ordinal)
    rows = transaction.execute(
        select(repetitions, turns.c.block)
        .join(turns, same)
        .where(repetitions.c.job_id == job_id)
        .order_by(repetitions.c.ordinal)
    ).all()
    return [
        TakenRepetition(
            ordinal=row.ordinal,
            block=row.block,
            repetition=stored_repetition(row),
            runtime_version=row.runtime_version,
            runtime_build=row.runtime_build,
            affinity=tuple(row.affinity),
            taken_at_unix_ms=row.taken_at_unix_ms,
        )
        for row in rows
    ]


def mark_suspect(transaction: Transaction, job_id: str, ordinals: Sequence[int]) -> None:
    """Remembers that figures are derived without these repetitions of a job."""
    transaction.execute(
        update(repetitions)
        .where(repetitions.c.job_id == job_id, repetitions.c.ordinal.in_(ordinals))
        .values(is_suspect=True)
    )


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


def _row(repetition: Repetition) -> dict[str, object]:
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


def _device_state(document: dict[str, object] | None) -> DeviceState | None:
    return None if document is None else cattrs.structure(document, DeviceState)


def _pack(samples: Sequence[int]) -> bytes:
    return np.asarray(samples, dtype=SAMPLE_TYPE).tobytes()


def _unpack(blob: bytes) -> tuple[int, ...]:
    return tuple(np.frombuffer(blob, dtype=SAMPLE_TYPE).tolist())
