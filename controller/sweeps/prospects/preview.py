"""What a sweep would measure, as it is shown before anything runs."""

from collections.abc import Iterator, Mapping

from controller.conversions.stored import MadeFile
from controller.domain.jobs import PlanEstimate, PlanGroup, PlanJob, PlannedJob, SweepPlan
from controller.domain.sweeps import SweepSpec
from controller.sweeps.prospects.estimating import History, estimate
from controller.sweeps.prospects.prospect import Prospect
from models.catalog.variants import Variant, WeightsKind


def preview(
    spec: SweepSpec,
    prospect: Prospect,
    sentinel_files: Mapping[Variant, MadeFile],
    history: History,
    *,
    with_jobs: bool,
) -> SweepPlan:
    """What a sweep would measure.

    Args:
        spec: what is asked for.
        prospect: its plan, and what of it is there.
        sentinel_files: those that were made of the sentinels' variants, with synthetic weights.
        history: how long measuring took.
        with_jobs: whether each job is told.
    """
    # By variant and weights, since a sentinel may be measured as a candidate, too.
    is_stored: dict[tuple[Variant, WeightsKind], bool] = {}
    for job in prospect.to_measure:
        files = sentinel_files if job.is_sentinel else prospect.files
        weights = WeightsKind.SYNTHETIC if job.is_sentinel else spec.weights
        made = files.get(job.variant)
        is_stored[job.variant, weights] = made is not None and made.is_stored
    to_convert = {variant.backbone for (variant, _), there in is_stored.items() if not there}
    return SweepPlan(
        jobs_total=sum(not job.is_sentinel for job in prospect.plan.jobs),
        jobs_measured_before=len(prospect.reused),
        groups=_groups(spec, prospect),
        estimates=tuple(estimates(spec, prospect, history).values()),
        artifacts_total=len(is_stored),
        artifacts_stored=sum(is_stored.values()),
        backbones_to_convert=tuple(sorted(to_convert)),
        left_out=prospect.plan.left_out,
        jobs=tuple(_jobs(prospect)) if with_jobs else (),
    )


def estimates(spec: SweepSpec, prospect: Prospect, history: History) -> Mapping[str, PlanEstimate]:
    """How long each device that would measure is expected to, by its id."""
    return {
        device.device_id: estimate(prospect.by_device[device.device_id], spec, device, history)
        for device in prospect.devices
        if device.device_id in prospect.by_device
    }


def _groups(spec: SweepSpec, prospect: Prospect) -> tuple[PlanGroup, ...]:
    """The jobs by all but their backbones, in their order."""
    names = {device.device_id: device.name for device in prospect.devices}
    # By what they share: of each, one of them and how many were measured before.
    groups: dict[tuple[object, ...], tuple[PlannedJob, list[bool]]] = {}
    for job, figure in zip(prospect.plan.jobs, prospect.standing, strict=True):
        if not job.is_sentinel:
            told, variant = job.settings, job.variant
            size = variant.input_size if spec.input_sizes else None
            batch = variant.batch if spec.batches else None
            shared = (job.device_id, told.runtime, told.threads, variant.precision, size, batch)
            groups.setdefault(shared, (job, []))[1].append(figure is not None)
    return tuple(
        PlanGroup(
            device=names[job.device_id],
            runtime=job.settings.runtime,
            threads=job.settings.threads,
            precision=job.variant.precision,
            input_size=job.variant.input_size if spec.input_sizes else None,
            batch=job.variant.batch if spec.batches else None,
            jobs_total=len(before),
            jobs_measured_before=sum(before),
        )
        for job, before in groups.values()
    )


def _jobs(prospect: Prospect) -> Iterator[PlanJob]:
    names = {device.device_id: device.name for device in prospect.devices}
    for job, figure in zip(prospect.plan.jobs, prospect.standing, strict=True):
        if not job.is_sentinel:
            made = prospect.files.get(job.variant)
            yield PlanJob(
                device=names[job.device_id],
                backbone=job.variant.backbone,
                runtime=job.settings.runtime,
                threads=job.settings.threads,
                precision=job.variant.precision,
                input_size=job.variant.input_size,
                batch=job.variant.batch,
                artifact_sha256=made.sha256 if made is not None and made.is_stored else "",
                measurement_id=figure.measurement_id if figure is not None else "",
            )
