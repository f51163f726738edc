"""A device that measures all that waits for it, a second each, through the races' rounds."""

from collections.abc import Callable

from controller.fleet.rounds.settling import follow_race
from controller.state import attempts
from controller.state.database import Database
from controller.state.sweeps import end_finished
from protos.fleet import Lease
from tests.integration.controller.domain_samples import measured_report
from tests.measured import record_report


def measure_leases(
    database: Database,
    device_id: str,
    takes_ms: Callable[[Lease, int], float],
    now_ms: int = 0,
) -> list[Lease]:
    """Takes one lease after the other until there is none; gives them in order.

    Args:
        database: the controller's.
        device_id: of the device.
        takes_ms: the latency that it reports of a lease, and of the how-manyth, from 1.
        now_ms: when it begins.
    """
    taken: list[Lease] = []
    while (lease := attempts.lease_next(database, device_id, now_ms)) is not None:
        taken.append(lease)
        latency_ns = round(takes_ms(lease, len(taken)) * 1e6)
        report = measured_report(lease.attempt_id, lease.job_id, latency_ns)
        now_ms += 1_000
        recorded = record_report(database, device_id, report, now_ms)
        if recorded.following.race is not None:
            follow_race(database, recorded.following.race, now_ms)
    end_finished(database, now_ms)
    return taken


def off_by(ordinal: int) -> float:
    """A factor: processes differ by up to 1 %."""
    return 1 + 0.005 * (ordinal % 3 - 1)
