"""Jobs that end without figures."""

import uuid

from sqlalchemy import Connection, Engine, insert

from controller.domain.jobs import JobState
from controller.domain.measurements import Verdict
from controller.state.database import transaction
from controller.state.jobs import end_job
from controller.state.profiles import fail_profile
from controller.state.schema import measurements


def record_failure(engine: Engine, job_id: str, reason: str, now_unix_ms: int) -> None:
    """Ends a job that no attempt can be made at; one that has ended stays as it is."""
    with transaction(engine) as connection:
        end_with_failure(connection, job_id, reason, now_unix_ms)


def end_with_failure(connection: Connection, job_id: str, reason: str, now_unix_ms: int) -> bool:
    """The same, inside the caller's transaction; False when it had ended before."""
    if not end_job(connection, job_id, JobState.FAILED):
        return False
    if fail_profile(connection, job_id, reason, now_unix_ms):
        return True
    connection.execute(
        insert(measurements).values(
            measurement_id=uuid.uuid4().hex,
            job_id=job_id,
            verdict=Verdict.FAILED.value,
            reason=reason,
            runtime_version="",
            runtime_build="",
            busy_threads=0,
            affinity=[],
            measured_at_unix_ms=now_unix_ms,
            committed_at_unix_ms=now_unix_ms,
        )
    )
    return True
