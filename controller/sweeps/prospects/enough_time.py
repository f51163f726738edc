"""Whether the time of a race holds its first round."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import PlannedJob
from controller.fleet.rounds.expecting import pioneers
from controller.ranking.prediction.evidence import Network
from controller.state.catalog.candidates import RacingJob, planned_racer
from controller.state.rounds.history import EarlierFigure
from controller.sweeps.prospects.prospect import Prospect
from models.catalog.catalog import Catalog
from models.catalog.features import NetworkFeatures

# The agent looks at the load for 0.2 s, and samples for 0.1 s at least.
_LEAST_PROCESS_MS: Final = 300


def first_round(
    prospect: Prospect, catalog: Catalog, networks: Mapping[Network, NetworkFeatures]
) -> Prospect:
    """What a race begins with: the pioneers of each device, see `pioneers`, without sentinels."""
    planned = list(zip(prospect.plan.jobs, prospect.standing, strict=True))
    of_device: defaultdict[str, list[RacingJob]] = defaultdict(list)
    for number, (job, figure) in enumerate(planned):
        if not job.is_sentinel:
            begun = prospect.continued.get(job)
            of_device[job.device_id].append(_racing(number, job, figure or begun, catalog))
    first = {int(each) for those in of_device.values() for each in pioneers(those, networks)}
    jobs = tuple(job for number, (job, _) in enumerate(planned) if number in first)
    return replace(
        prospect, plan=replace(prospect.plan, jobs=jobs), standing=tuple(None for _ in jobs)
    )


def check_time(time_ms: int, first: Prospect, expected_ms: Mapping[str, int]) -> None:
    """Refuses a race that ends before each that it begins with had one process.

    Args:
        time_ms: that of the race.
        first: what it begins with, see `first_round`.
        expected_ms: how long each device is expected to measure that, by its id.

    Raises:
        EdgerankError: OUT_OF_RANGE, with how long a first round takes.
    """
    names = {device.device_id: device.name for device in first.devices}
    for device_id, jobs in first.by_device.items():
        first_ms = max(expected_ms.get(device_id, 0), _LEAST_PROCESS_MS * len(jobs))
        if first_ms > time_ms:
            raise EdgerankError(
                ErrorCode.OUT_OF_RANGE,
                f"{time_ms / 1_000:g} s are too short: a race begins with one process of each "
                f"of {len(jobs):,} candidates, which takes at least {first_ms / 1_000:,.0f} s on "
                f"{names[device_id]}; give --time more, or name fewer backbones",
            )


def _racing(
    number: int, job: PlannedJob, figure: EarlierFigure | None, catalog: Catalog
) -> RacingJob:
    variant = job.variant
    comes = catalog.get(variant.backbone)
    return replace(
        planned_racer(str(number), job),
        # In another precision it races only where that is known, which is all that counts here.
        top1=comes.top1 if variant.precision is comes.precision else 0.0,
        medians_ms=() if figure is None else (figure.latency.median_ms,),
        has_ended=figure is not None,
    )
