"""Profiles: each the one job of a sweep of its own, committed once, kept out of measurements."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert, or_, select, update

from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.profiles import OperatorProfile
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.schema import artifacts, devices, jobs, profiles, start_requests
from controller.state.schema.unreadable import misfit_of
from protos.fleet import Profiled
from protos.measuring import MeasureSettings
from protos.reasons import Reason, ReasonCode, reason


def expect_profiles(transaction: Transaction, planned: Iterable[Mapping[str, Any]]) -> None:
    """Remembers which of a new sweep's jobs profile; inside the caller's transaction."""
    rows = [{"job_id": job["job_id"]} for job in planned if job["settings"].profile_runs]
    if rows:
        transaction.execute(insert(profiles), rows)


def record_profile(
    transaction: Transaction,
    job_id: str,
    profiled: Profiled,
    profiled_at_unix_ms: int,
    now_unix_ms: int,
) -> None:
    """Keeps what a job that was to profile gave; inside the caller's transaction."""
    transaction.execute(
        update(profiles)
        .where(profiles.c.job_id == job_id)
        .values(
            runtime_version=profiled.runtime.version,
            runtime_build=profiled.runtime.build,
            affinity=profiled.affinity,
            times=profiled.times,
            trace_gzip=profiled.trace_gzip,
            profiled_at_unix_ms=profiled_at_unix_ms,
            committed_at_unix_ms=now_unix_ms,
            started_unready=profiled.started_unready,
        )
    )


def fail_profile(
    transaction: Transaction, job_id: str, reasons: tuple[Reason, ...], now_unix_ms: int
) -> bool:
    """Keeps why a job gave no profile; False when it was not to profile but to measure."""
    failed = transaction.execute(
        update(profiles)
        .where(profiles.c.job_id == job_id)
        .values(reasons=reasons, committed_at_unix_ms=now_unix_ms)
    )
    return failed.rowcount == 1


def resolve_profile(database: Database, wanted: str) -> str:
    """The id of the profile of this id, or of the one that the request of this id started.

    Raises:
        EdgerankError: UNKNOWN_NAME, for a sweep's id, too.
    """
    requested = select(start_requests.c.sweep_id).where(start_requests.c.request_id == wanted)
    is_meant = or_(jobs.c.sweep_id == wanted, jobs.c.sweep_id.in_(requested))
    with database.transaction() as transaction:
        found: str | None = transaction.scalars(
            select(jobs.c.sweep_id).join(profiles).where(is_meant)
        ).first()
    if found is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no profile has the id {wanted!r}")
    return found


def read_profile(database: Database, profile_id: str) -> tuple[OperatorProfile, bytes]:
    """A profile that has ended, and its compressed trace.

    Raises:
        EdgerankError: EXECUTION, with the reason, when it failed; DAMAGED when it cannot be read.
    """
    query = (
        select(profiles, jobs, devices.c.name.label("device"), emulator_told(), artifacts)
        .join(jobs, jobs.c.job_id == profiles.c.job_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(jobs.c.sweep_id == profile_id)
    )
    with database.transaction() as transaction:
        row = transaction.execute(query).one()
    if row.times is None:
        words = {"backbone": row.backbone, "device": row.device}
        failed = reason(ReasonCode.PROFILE_FAILED, words)
        reasons = row.reasons if isinstance(row.reasons, tuple) else ()
        raise Refused(ErrorCode.EXECUTION, (failed, *reasons))
    settings: MeasureSettings = row.settings
    profile = OperatorProfile(
        profile_id=profile_id,
        device=row.device,
        backbone=row.backbone,
        runtime=settings.runtime,
        runtime_version=row.runtime_version,
        runtime_build=row.runtime_build,
        format=row.format,
        precision=row.precision,
        target=row.target,
        input_size=row.input_size,
        batch=row.batch,
        threads=settings.threads,
        weights=row.weights,
        weights_digest=row.weights_digest,
        artifact_sha256=row.sha256,
        affinity=row.affinity,
        profiled_at_unix_ms=row.profiled_at_unix_ms,
        times=row.times,
        settings=settings,
        started_unready=row.started_unready,
        emulator=str(row.emulator or ""),
    )
    if (misfit := misfit_of(profile)) or not isinstance(row.trace_gzip, bytes):
        raise EdgerankError(
            ErrorCode.DAMAGED,
            f"the profile {profile_id!r} is stored and cannot be read ({misfit or 'its trace'}); "
            "profile again",
        )
    return profile, row.trace_gzip
