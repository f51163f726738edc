"""What an agent does now, for those who watch."""

from controller.domain.sweeps import Activity, ActivityKind
from protos.fleet import Lease, Progress, Stage


def activity_of(device: str, lease: Lease, progress: Progress | None) -> Activity:
    """What is done with a lease on a device of this name, by what its agent said last."""
    kinds = {
        Stage.FETCHING: ActivityKind.FETCHING_ARTIFACT,
        Stage.WAITING: ActivityKind.WAITING,
        Stage.MEASURING: ActivityKind.MEASURING,
    }
    waits_for = None if progress is None else progress.waiting_for
    return Activity(
        kind=ActivityKind.STARTING if progress is None else kinds[progress.stage],
        backbone=lease.backbone,
        device=device,
        runtime=lease.settings.runtime,
        ordinal=lease.ordinal,
        is_profile=lease.settings.profile_runs > 0,
        waiting_for=waits_for,
        waits_at_most_ms=lease.settings.gate.deadline_ms if waits_for else 0,
    )
