"""How a device leaves the fleet."""

from controller.domain.access import Caller
from controller.state import devices, jobs
from controller.state.access.members import revoke_member
from controller.state.database import Database
from controller.state.devices.forgetting import forget


def leave_out(
    database: Database, device_id: str, by: Caller, now_unix_ms: int, *, with_measurements: bool
) -> int:
    """Forgets a device that is not connected; gives how many measurements stay, or go with it.

    What was not measured on it yet is cancelled, and its certificate is worth nothing any more.

    Args:
        database: where it is remembered.
        device_id: which one.
        by: who wants it.
        now_unix_ms: the time.
        with_measurements: whether they go, too.
    """
    jobs.cancel_jobs_of_device(database, device_id)
    count = devices.count_measurements(database, device_id)
    # Else it would be back at its next start.
    revoke_member(database, device_id)
    if with_measurements:
        forget(database, device_id)
    else:
        devices.remove(database, device_id, by, now_unix_ms)
    return count
