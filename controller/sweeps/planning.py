"""Expands what a person asks for into jobs, and refuses what cannot hold before anything starts."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.domain.conversions import ConversionSpec
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.jobs import PlannedJob
from controller.domain.names import find_backbone
from controller.domain.sweeps import SweepSpec
from controller.sweeps.choosing import choose_devices
from controller.sweeps.limits import check_settings, check_size, check_variants
from controller.sweeps.parts import TARGETS, Files, Told, file_of, taken
from controller.sweeps.placement import check_placement, placement_obstacle
from controller.sweeps.readable import NOTHING_KNOWN, KnownVersions, too_new, unreadable_jobs
from models.catalog.catalog import Backbone, Catalog
from models.catalog.own import lacks_paddle_program
from models.catalog.precisions import Precision
from models.catalog.variants import (
    PRECISIONS,
    Variant,
    precisions_of,
    variants_of,
)
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
    versions: KnownVersions = NOTHING_KNOWN,
) -> Plan:
    """The jobs of a sweep, backbone by backbone, so that one backbone's figures are neighbours.

    A device that is named and cannot do what is asked refuses the sweep. One that is meant by a
    label, or since none is named, takes part in what it can do. An own model that was added as ONNX
    is left out of Paddle Lite either way. A file that a device's runtime is too old for is left
    out, and refuses the sweep where a named device has nothing else of the backbone.

    Raises:
        EdgerankError: INVALID_INPUT, UNKNOWN_NAME or PRECONDITION, each naming what would do.
    """
    check_settings(spec)
    check_placement(spec)
    check_variants(spec)
    choice = choose_devices(spec.devices, devices)
    chosen, named = choice.devices, choice.named
    check_size(spec, len(chosen))
    backbones = [find_backbone(catalog, name) for name in dict.fromkeys(spec.backbones)]
    precisions = _precisions(spec, backbones)
    runtimes = tuple(dict.fromkeys(spec.runtimes))
    obstacles = _obstacles(chosen, runtimes, spec)
    lacks = _lacks(chosen, runtimes, precisions)
    obstacle_by_itself = ((each,) for key, each in obstacles.items() if key[0] in named)
    lacking = _lacking_everywhere(named, runtimes, precisions, lacks)
    if refused := next(itertools.chain(obstacle_by_itself, lacking), None):
        raise Refused(ErrorCode.PRECONDITION, refused)
    untranslatable = _untranslatable(backbones) if Runtime.PADDLELITE in runtimes else {}
    files, told = Files(spec), Told(spec)
    planned = tuple(
        PlannedJob(device.device_id, variant, told.settings(device, runtime, threads, takes))
        for backbone in backbones
        for device in chosen
        for runtime, precision in itertools.product(runtimes, precisions)
        if (device.device_id, runtime, precision) not in lacks
        if runtime is not Runtime.PADDLELITE or backbone.name not in untranslatable
        if spec.precisions or precision is backbone.precision
        for variant, takes in files.variants(device, backbone, runtime, precision)
        for threads in dict.fromkeys(spec.threads)
        if (device.device_id, runtime, threads) not in obstacles
    )
    unreadable = unreadable_jobs(planned, chosen, versions)
    jobs = tuple(job for job in planned if job not in unreadable) if unreadable else planned
    if refusing := _reading_nothing(jobs, unreadable, named):
        raise Refused(ErrorCode.PRECONDITION, refusing)
    by_key = (obstacles, lacks, untranslatable, unreadable)
    by_themselves = _unlike(spec, backbones)
    left_out = _each_once((*by_themselves, *(why for by in by_key for why in by.values())))
    if not jobs:
        raise Refused(ErrorCode.PRECONDITION, left_out[:1])
    sentinels = _sentinels(jobs, chosen, catalog, versions) if spec.sentinel else ()
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
    variants = tuple(
        variant
        for backbone in backbones
        for variant in variants_of(backbone, spec.precisions, spec.input_sizes, spec.batches)
    )
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
    versions: KnownVersions,
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
            if (variant.format, variant.target) == file and not too_new(
                device, variant, versions.of(variant)
            ):
                settings = replace(
                    first.settings,
                    threads=1,
                    takes=taken(sentinel, variant),
                    sustained_minutes=0,
                )
                yield PlannedJob(device.device_id, variant, settings, is_sentinel=True)


def _each_once(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple({str(each): each for each in reasons}.values())


def _obstacles(
    devices: Iterable[Device], runtimes: Sequence[Runtime], spec: SweepSpec
) -> Mapping[tuple[str, Runtime, int], Reason]:
    """The threads that a runtime cannot compute with on a device, each with why."""
    return {
        (device.device_id, runtime, threads): obstacle
        for device in devices
        for runtime, threads in itertools.product(runtimes, spec.threads)
        if (obstacle := _obstacle(device, runtime, threads, spec))
    }


def _obstacle(device: Device, runtime: Runtime, threads: int, spec: SweepSpec) -> Reason | None:
    words = {"device": device.name}
    available = [info.runtime for info in device.profile.runtimes]
    if runtime not in available:
        has = ", ".join(info.value for info in available) or "no runtime"
        return reason(ReasonCode.RUNTIME_MISSING, words | {"runtime": runtime.value, "has": has})
    architecture = device.profile.architecture
    if runtime is Runtime.PADDLELITE and architecture not in TARGETS:
        words |= {"architecture": architecture, "known": ", ".join(TARGETS)}
        return reason(ReasonCode.ARCHITECTURE_UNKNOWN, words)
    return placement_obstacle(device, runtime, threads, spec)


def _lacks(
    devices: Iterable[Device], runtimes: Sequence[Runtime], precisions: Sequence[Precision]
) -> Mapping[tuple[str, Runtime, Precision], Reason]:
    """The precisions that a runtime does not have on a device, each with why."""
    return {
        (device.device_id, runtime, precision): lack
        for device in devices
        for runtime, precision in itertools.product(runtimes, precisions)
        if (lack := _lack(device, runtime, precision))
    }


def _lack(device: Device, runtime: Runtime, precision: Precision) -> Reason | None:
    file = file_of(device, runtime)
    # What came quantised is ONNX, and said to be by itself.
    if file is None or precision in PRECISIONS[file] or precision is Precision.INT8:
        return None
    words = {
        "device": device.name,
        "runtime": runtime.value,
        "architecture": device.profile.architecture,
        "precision": precision.value,
        "has": ", ".join(each.value for each in PRECISIONS[file]),
    }
    return reason(ReasonCode.PRECISION_MISSING, words)


def _lacking_everywhere(
    device_ids: Iterable[str],
    runtimes: Sequence[Runtime],
    precisions: Sequence[Precision],
    lacks: Mapping[tuple[str, Runtime, Precision], Reason],
) -> Iterator[tuple[Reason, ...]]:
    """The precisions that none of the runtimes has on a device, the lacks of each.

    Of several runtimes each takes those that it has.
    """
    for device_id, precision in itertools.product(device_ids, precisions):
        keys = [(device_id, runtime, precision) for runtime in runtimes]
        if all(key in lacks for key in keys):
            yield tuple(lacks[key] for key in keys)


def _reading_nothing(
    jobs: Iterable[PlannedJob], unreadable: Mapping[PlannedJob, Reason], named: Collection[str]
) -> tuple[Reason, ...]:
    """Why a named device has nothing of a backbone that its runtimes read, of the first pair."""
    left = {(job.device_id, job.variant.backbone) for job in jobs}
    of_pair: dict[tuple[str, str], list[Reason]] = {}
    for job, why in unreadable.items():
        if job.device_id in named:
            of_pair.setdefault((job.device_id, job.variant.backbone), []).append(why)
    return next((_each_once(why) for pair, why in of_pair.items() if pair not in left), ())
