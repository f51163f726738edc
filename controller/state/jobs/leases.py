"""Leases as they are made of what is stored of jobs: rows that `leasable` asks for."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row

from controller.domain.jobs import limited, waiting_limit_ms
from controller.figures.spread import process_spread, spread_of
from controller.state.rounds.courses import told_spread
from controller.state.schema.columns import Unreadable
from controller.state.schema.unreadable import misfit_of
from protos.fleet import Lease
from protos.measuring import MeasureSettings, StartGate

# Variants with their settings, of which a lease is looked at once.
_REMEMBERED: Final = 1_024


def lease_misfit(job: Row[Any]) -> str:
    """What of a job a lease cannot be made of; empty when all of it can."""
    if isinstance(job.settings, Unreadable):
        return "settings"
    try:
        # Of numbers that are none no gate can be made; the gate as it is stored is part of the job.
        _gate(job)
        return _misfit(_told(job, job.settings))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return str(error) or type(error).__name__


@functools.lru_cache(maxsize=_REMEMBERED)
def _misfit(lease: Lease) -> str:
    """As `misfit_of`, once for all that are made of the same file and settings."""
    return misfit_of(lease)


def spread_of_lease(job: Row[Any], medians_ms: Sequence[float]) -> float:
    """How far processes differ, as its agent is told; 0 where that is no matter."""
    known = told_spread(job)
    return 0.0 if known is None else process_spread(known, spread_of(medians_ms))


def _gate(job: Row[Any]) -> StartGate:
    """The gate of the next start, which waits as long as its sweep still may on the device."""
    gate: StartGate = job.settings.gate
    return limited(gate, waiting_limit_ms(job.planned_ms) - job.waited_ms)


def lease_of(attempt_id: str, job: Row[Any], ordinal: int, spread: float) -> Lease:
    """What an agent is told of an attempt at a job, whose processes differ so far."""
    settings: MeasureSettings = job.settings
    gate = _gate(job)
    told = settings if gate is settings.gate else replace(settings, gate=gate)
    return _told(
        job,
        told,
        attempt_id=attempt_id,
        job_id=job.job_id,
        ordinal=ordinal,
        process_spread=spread,
    )


def _told(
    job: Row[Any],
    settings: MeasureSettings,
    *,
    attempt_id: str = "",
    job_id: str = "",
    ordinal: int = 0,
    process_spread: float = 0.0,
) -> Lease:
    return Lease(
        attempt_id=attempt_id,
        job_id=job_id,
        artifact_sha256=job.sha256,
        artifact_size_bytes=job.size_bytes,
        backbone=job.backbone,
        settings=settings,
        ordinal=ordinal,
        process_spread=process_spread,
        reference_sha256=job.reference_sha256 or "",
        reference_size_bytes=job.reference_size_bytes or 0,
    )
