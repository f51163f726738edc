"""Profiles: each the one job of a sweep of its own, committed once, kept out of measurements."""

from collections.abc import Iterable, Mapping
from typing import Any

import cattrs
from sqlalchemy import Connection, Engine, insert, select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import OperatorProfile
from controller.state.database import transaction
from controller.state.schema import artifacts, devices, jobs, profiles
from models.catalog.variants import Format, Precision, Target, WeightsKind
from protos.fleet import Profiled
from protos.measuring import MeasureSettings, OperatorTimes


def expect_profiles(connection: Connection, planned: Iterable[Mapping[str, Any]]) -> None:
    """Remembers which of a new sweep's jobs profile; inside the caller's transaction."""
    rows = [{"job_id": job["job_id"]} for job in planned if job["settings"]["profile_runs"]]
    if rows:
        connection.execute(insert(profiles), rows)


def record_profile(
    connection: Connection,
    job_id: str,
    profiled: Profiled,
    profiled_at_unix_ms: int,
    now_unix_ms: int,
) -> None:
    """Keeps what a job that was to profile gave; inside the caller's transaction."""
    connection.execute(
        update(profiles)
        .where(profiles.c.job_id == job_id)
        .values(
            runtime_version=profiled.runtime.version,
            runtime_build=profiled.runtime.build,
            affinity=list(profiled.affinity),
            times=cattrs.unstructure(profiled.times),
            trace_gzip=profiled.trace_gzip,
            profiled_at_unix_ms=profiled_at_unix_ms,
            committed_at_unix_ms=now_unix_ms,
        )
    )


def fail_profile(connection: Connection, job_id: str, reason: str, now_unix_ms: int) -> bool:
    """Keeps why a job gave no profile; False when it was not to profile but to measure."""
    failed = connection.execute(
        update(profiles)
        .where(profiles.c.job_id == job_id)
        .values(reason=reason, committed_at_unix_ms=now_unix_ms)
    )
    return failed.rowcount == 1


def check_profile(engine: Engine, profile_id: str) -> None:
    """Refuses an id that no profile has, a sweep's included.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    with transaction(engine) as connection:
        known = connection.execute(
            select(profiles.c.job_id).join(jobs).where(jobs.c.sweep_id == profile_id)
        ).first()
    if known is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no profile has the id {profile_id!r}")


def read_profile(engine: Engine, profile_id: str) -> tuple[OperatorProfile, bytes]:
    """A profile that has ended, and its compressed trace.

    Raises:
        EdgerankError: EXECUTION, with the reason, when it failed.
    """
    query = (
        select(profiles, jobs, devices.c.name.label("device"), artifacts)
        .join(jobs, jobs.c.job_id == profiles.c.job_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(jobs.c.sweep_id == profile_id)
    )
    with transaction(engine) as connection:
        row = connection.execute(query).one()
    if row.times is None:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{row.backbone} could not be profiled on {row.device}: {row.reason}",
        )
    settings = cattrs.structure(row.settings, MeasureSettings)
    profile = OperatorProfile(
        profile_id=profile_id,
        device=row.device,
        backbone=row.backbone,
        runtime=settings.runtime,
        runtime_version=row.runtime_version,
        runtime_build=row.runtime_build,
        format=Format(row.format),
        precision=Precision(row.precision),
        target=Target(row.target),
        input_size=row.input_size,
        batch=row.batch,
        threads=settings.threads,
        weights=WeightsKind(row.weights),
        weights_digest=row.weights_digest,
        artifact_sha256=row.sha256,
        affinity=tuple(row.affinity),
        profiled_at_unix_ms=row.profiled_at_unix_ms,
        times=cattrs.structure(row.times, OperatorTimes),
        settings=settings,
    )
    return profile, row.trace_gzip
