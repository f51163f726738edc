"""Expands what a person asks for into jobs, and refuses what cannot hold before anything starts."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.domain.conversions import ConversionSpec
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.jobs import PlannedJob
from controller.domain.names import find_backbone
from controller.domain.sweeps import SweepSpec
from controller.sweeps.choosing import choose_devices
from controller.sweeps.limits import check_settings, check_size, check_variants
from controller.sweeps.parts import Files, Told, file_of, taken
from controller.sweeps.placement import check_placement
from controller.sweeps.possible.known_files import NOTHING_KNOWN, KnownFiles
from controller.sweeps.possible.obstacles import (
    TOLD,
    each_once,
    find_obstacles,
    impossible,
)
from controller.sweeps.possible.raceable import Ranked, find_unraced
from controller.sweeps.possible.runnable import unrunnable_jobs, why_not
from models.catalog.catalog import Backbone, Catalog
from models.catalog.own import lacks_paddle_program
from models.catalog.precisions import Precision
from models.catalog.variants import Variant, precisions_of, variants_of
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

# Small, so that reading it often costs little, and in every release of PaddleClas.
SENTINEL_BACKBONE = "MobileNetV1_x0_25"


@dataclass(frozen=True)
class Plan:
    """The jobs of a sweep, and what was left out of what every device was asked for."""

    jobs: tuple[PlannedJob, ...]
    left_out: tuple[Reason, ...]


@dataclass(frozen=True)
class ConversionPlan:
    """The variants that a conversion makes, and what there is no file of."""

    variants: tuple[Variant, ...]
    left_out: tuple[Reason, ...]


def plan_sweep(
    spec: SweepSpec,
    devices: Sequence[Device],
    catalog: Catalog,
    needs: KnownFiles = NOTHING_KNOWN,
    ranked: Ranked = (),
) -> Plan:
    """The jobs of a sweep, backbone by backbone, so that one backbone's figures are neighbours.

    What a device cannot do of it is left out and told; without runtimes, each device measures with
    those that it has. What was named and none of the devices can do refuses the sweep: a runtime in
    any case, threads, cores, precisions and backbones where devices are named, too. An own model
    that was added as ONNX is left out of Paddle Lite either way. A race leaves out and tells what
    is made of a backbone in a precision in which its top-1 is not `ranked`.

    Raises:
        EdgerankError: INVALID_INPUT, UNKNOWN_NAME or PRECONDITION, each naming what would do.
    """
    check_settings(spec)
    check_placement(spec)
    check_variants(spec)
    choice = choose_devices(spec.devices, devices)
    chosen = choice.devices
    check_size(spec, len(chosen))
    backbones = [find_backbone(catalog, name) for name in dict.fromkeys(spec.backbones)]
    precisions = _precisions(spec, backbones)
    runtimes = tuple(dict.fromkeys(spec.runtimes)) or tuple(Runtime)
    obstacles = find_obstacles(spec, chosen, runtimes, precisions)
    if refused := impossible(spec, choice, runtimes, precisions, obstacles):
        raise Refused(ErrorCode.PRECONDITION, refused)
    untranslatable = _untranslatable(backbones) if Runtime.PADDLELITE in runtimes else {}
    unraced = find_unraced(spec, backbones, ranked)
    files, told = Files(spec), Told(spec)
    planned = tuple(
        PlannedJob(device.device_id, variant, told.settings(device, runtime, threads, takes))
        for backbone in backbones
        for device in chosen
        for runtime, precision in itertools.product(runtimes, precisions)
        if obstacles.allow(device.device_id, runtime, precision)
        if runtime is not Runtime.PADDLELITE or backbone.name not in untranslatable
        if spec.precisions or precision is backbone.precision
        if unraced.allow(backbone.name, precision)
        for variant, takes in files.variants(device, backbone, runtime, precision)
        for threads in dict.fromkeys(spec.threads)
        if (device.device_id, runtime, threads) not in obstacles.threads
    )
    unrunnable = unrunnable_jobs(planned, chosen, needs)
    jobs = tuple(job for job in planned if job not in unrunnable) if unrunnable else planned
    cannot = itertools.chain.from_iterable(unrunnable.values())
    if choice.named and (refused := _nothing_left(spec, jobs, unrunnable)):
        raise Refused(ErrorCode.PRECONDITION, refused)
    in_the_way = (*unraced.reasons, *obstacles.reasons, *untranslatable.values(), *cannot)
    left_out = each_once((*_unlike(spec, backbones), *in_the_way))
    if not jobs:
        raise Refused(ErrorCode.PRECONDITION, left_out[:1])
    sentinels = _sentinels(jobs, chosen, catalog, needs) if spec.sentinel else ()
    return Plan((*sentinels, *jobs), left_out)


def plan_conversion(spec: ConversionSpec, catalog: Catalog) -> ConversionPlan:
    """What a conversion makes, backbone by backbone.

    Raises:
        EdgerankError: INVALID_INPUT or UNKNOWN_NAME, each naming what would do.
    """
    if not spec.backbones:
        raise EdgerankError(ErrorCode.INVALID_INPUT, "name at least one backbone")
    check_variants(spec)
    check_size(spec)
    backbones = [find_backbone(catalog, name) for name in dict.fromkeys(spec.backbones)]
    kinds = (spec.precisions, spec.input_sizes, spec.batches, spec.accelerators)
    variants = tuple(variant for backbone in backbones for variant in variants_of(backbone, *kinds))
    left_out = (*_untranslatable(backbones).values(), *_unlike(spec, backbones))
    if not variants:
        raise Refused(ErrorCode.PRECONDITION, left_out[-1:])
    return ConversionPlan(variants, left_out)


def _precisions(spec: SweepSpec, backbones: Iterable[Backbone]) -> tuple[Precision, ...]:
    """Those asked for; when none is, those that the backbones come in."""
    asked = spec.precisions or [backbone.precision for backbone in backbones]
    return tuple(dict.fromkeys(asked))


def _unlike(spec: SweepSpec | ConversionSpec, backbones: Iterable[Backbone]) -> Iterator[Reason]:
    """Why there is nothing of those that have none of the precisions asked for."""
    asked = ", ".join(precision.value for precision in dict.fromkeys(spec.precisions))
    for backbone in backbones:
        there_are = precisions_of(backbone)
        if not spec.precisions or there_are & set(spec.precisions):
            continue
        words = {
            "backbone": backbone.name,
            "has": ", ".join(each.value for each in Precision if each in there_are),
        }
        if backbone.precision is Precision.INT8:
            yield reason(ReasonCode.CAME_QUANTISED, words | {"asked": asked})
        else:
            yield reason(ReasonCode.NOT_QUANTISED, words)


def _untranslatable(backbones: Iterable[Backbone]) -> dict[str, Reason]:
    """Why there is no Paddle Lite file of those that there is none of, by name."""
    return {
        backbone.name: reason(ReasonCode.ADDED_AS_ONNX, {"backbone": backbone.name})
        for backbone in backbones
        if lacks_paddle_program(backbone)
    }


def _sentinels(
    jobs: Sequence[PlannedJob],
    devices: Sequence[Device],
    catalog: Catalog,
    needs: KnownFiles,
) -> Iterator[PlannedJob]:
    """One for each device that measures and reads it, told what its first job is told."""
    sentinel = catalog.get(SENTINEL_BACKBONE)
    firsts = {job.device_id: job for job in reversed(jobs)}
    for device in devices:
        first = firsts.get(device.device_id)
        file = None if first is None else file_of(device, first.settings.runtime)
        if first is None or file is None:
            continue
        for variant in variants_of(sentinel, (Precision.FP32,), (), ()):
            if (variant.format, variant.target) == file and not why_not(
                device, variant, needs.of(variant)
            ):
                settings = replace(
                    first.settings,
                    threads=1,
                    takes=taken(sentinel, variant),
                    sustained_minutes=0,
                    paced_fps=0.0,
                )
                yield PlannedJob(device.device_id, variant, settings, is_sentinel=True)


def _nothing_left(
    spec: SweepSpec,
    jobs: Iterable[PlannedJob],
    unrunnable: Mapping[PlannedJob, Iterable[Reason]],
) -> tuple[Reason, ...]:
    """Why no device runs anything of a backbone, of the first one; empty where there is none."""
    left = {job.variant.backbone for job in jobs}
    of_backbone: defaultdict[str, list[Reason]] = defaultdict(list)
    for job, why in unrunnable.items():
        of_backbone[job.variant.backbone] += why
    found = (of_backbone[name] for name in spec.backbones if name not in left)
    return next((each_once(why)[:TOLD] for why in found if why), ())
