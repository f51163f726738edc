"""A sweep that may be started: its plan, and what of it is there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from controller.conversions.stored import MadeFile
from controller.domain.devices import Device
from controller.domain.jobs import PlannedJob
from controller.state.rounds.history import EarlierFigure
from controller.sweeps.planning import Plan
from models.catalog.variants import Variant


@dataclass(frozen=True)
class Prospect:
    """A sweep that may be started.

    Attributes:
        plan: every job of what is asked for, sentinels before the others.
        standing: for each of them, the figure of before that it has, so that it is not measured.
        files: those that were made of the jobs' variants, sentinels aside.
        devices: those of the fleet.
        begun: for each of the plan's jobs, the figure of before whose processes count on.
    """

    plan: Plan
    standing: tuple[EarlierFigure | None, ...]
    files: Mapping[Variant, MadeFile]
    devices: tuple[Device, ...]
    begun: tuple[EarlierFigure | None, ...] = ()

    @cached_property
    def to_measure(self) -> tuple[PlannedJob, ...]:
        """The jobs that are measured, with the sentinels of the devices that measure any."""
        jobs = self.plan.jobs
        left = [job for job, figure in zip(jobs, self.standing, strict=True) if figure is None]
        busy = {job.device_id for job in left if not job.is_sentinel}
        return tuple(job for job in left if job.device_id in busy)

    @cached_property
    def by_device(self) -> Mapping[str, list[PlannedJob]]:
        """The jobs that are measured by their devices' ids, sentinels aside."""
        found: dict[str, list[PlannedJob]] = {}
        for job in self.to_measure:
            if not job.is_sentinel:
                found.setdefault(job.device_id, []).append(job)
        return found

    @cached_property
    def continued(self) -> Mapping[PlannedJob, EarlierFigure]:
        """Of the jobs that are measured, those of which processes of before count on."""
        begun = zip(self.plan.jobs, self.standing, self.begun, strict=False)
        return {job: earlier for job, stands, earlier in begun if earlier and stands is None}

    @cached_property
    def reused(self) -> tuple[EarlierFigure, ...]:
        """The figures of before that the other jobs have."""
        return tuple(figure for figure in self.standing if figure is not None)
