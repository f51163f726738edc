"""Expands what a person asks for into jobs, and refuses what cannot hold before anything starts."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.domain import Device, MeasureSettings, Runtime, SweepSpec
from controller.errors import EdgerankError, ErrorCode
from models.catalog import Backbone, Catalog, UnknownBackbone
from models.variants import Format, Target, Variant, fp32_variants

INPUT_SEED = 20231
INPUT_CHANNELS = 3
MAX_THREADS = 256
MAX_REPETITIONS = 20
MIN_TIME_BUDGET_MS = 100
MAX_TIME_BUDGET_MS = 600_000
MAX_RELATIVE_HALF_WIDTH = 0.5

_TARGETS = {
    "x86_64": Target.X86,
    "AMD64": Target.X86,
    "aarch64": Target.ARM,
    "arm64": Target.ARM,
    "armv7l": Target.ARM,
    "armv8l": Target.ARM,
}


@dataclass(frozen=True)
class PlannedJob:
    """One variant on one device with one setting."""

    device_id: str
    variant: Variant
    settings: MeasureSettings


@dataclass(frozen=True)
class Plan:
    """The jobs of a sweep, and what was left out of `--devices all`, a sentence each."""

    jobs: tuple[PlannedJob, ...]
    left_out: tuple[str, ...]


def plan_sweep(spec: SweepSpec, devices: Sequence[Device], catalog: Catalog) -> Plan:
    """The jobs of a sweep, backbone by backbone, so that one backbone's figures are neighbours.

    With devices named, one that cannot do what is asked refuses the sweep. With none named, every
    connected device takes part in what it can do.

    Raises:
        EdgerankError: INVALID_INPUT, UNKNOWN_NAME or PRECONDITION, each naming what would do.
    """
    _check_settings(spec)
    backbones = [find_backbone(catalog, name) for name in dict.fromkeys(spec.backbones)]
    chosen = _choose_devices(spec.devices, devices)
    obstacles = {
        (device.device_id, runtime, threads): obstacle
        for device in chosen
        for runtime, threads in _settings(spec)
        if (obstacle := _obstacle(device, runtime, threads))
    }
    if spec.devices and obstacles:
        raise EdgerankError(ErrorCode.PRECONDITION, next(iter(obstacles.values())))
    jobs = tuple(
        PlannedJob(
            device.device_id,
            variant := variant_for(device, backbone, runtime),
            _measure_settings(spec, runtime, threads, variant),
        )
        for backbone in backbones
        for device in chosen
        for runtime, threads in _settings(spec)
        if (device.device_id, runtime, threads) not in obstacles
    )
    if not jobs:
        raise EdgerankError(ErrorCode.PRECONDITION, next(iter(obstacles.values())))
    return Plan(jobs, tuple(dict.fromkeys(obstacles.values())))


def find_backbone(catalog: Catalog, name: str) -> Backbone:
    """The backbone of exactly this name.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    try:
        return catalog.get(name)
    except UnknownBackbone as error:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, str(error)) from error


def find_device(devices: Sequence[Device], name: str) -> Device:
    """The device of exactly this name.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    for device in devices:
        if device.name == name:
            return device
    known = [device.name for device in devices]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
    hint = f"nearest: {', '.join(nearest)}" if nearest else "no device ever enrolled"
    raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no device is named {name!r}; {hint}")


def variant_for(device: Device, backbone: Backbone, runtime: Runtime) -> Variant:
    """The fp32 variant of a backbone that a runtime runs on a device."""
    target = Target.ANY if runtime is Runtime.ONNXRUNTIME else _TARGETS[device.profile.architecture]
    wanted = Format.ONNX if runtime is Runtime.ONNXRUNTIME else Format.PADDLELITE
    return next(
        variant
        for variant in fp32_variants(backbone)
        if variant.format is wanted and variant.target is target
    )


def _settings(spec: SweepSpec) -> Iterator[tuple[Runtime, int]]:
    for runtime in dict.fromkeys(spec.runtimes):
        for threads in dict.fromkeys(spec.threads):
            yield runtime, threads


def _choose_devices(names: Sequence[str], devices: Sequence[Device]) -> tuple[Device, ...]:
    if names:
        return tuple(find_device(devices, name) for name in dict.fromkeys(names))
    connected = tuple(device for device in devices if device.connected)
    if not connected:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            "no device is connected; start an agent with 'edgerank agent --controller HOST:PORT'",
        )
    return connected


def _obstacle(device: Device, runtime: Runtime, threads: int) -> str:
    available = [info.runtime for info in device.profile.runtimes]
    if runtime not in available:
        has = ", ".join(info.value for info in available) or "no runtime"
        return f"device {device.name!r} has no {runtime.value}; it has {has}"
    if runtime is Runtime.PADDLELITE and device.profile.architecture not in _TARGETS:
        return (
            f"no Paddle Lite target is known for device {device.name!r}, whose architecture is "
            f"{device.profile.architecture!r}; known: {', '.join(_TARGETS)}"
        )
    if 0 < device.profile.logical_cores < threads:
        return (
            f"device {device.name!r} has {device.profile.logical_cores} cores; "
            f"ask for at most as many threads, not {threads}"
        )
    return ""


def _measure_settings(
    spec: SweepSpec, runtime: Runtime, threads: int, variant: Variant
) -> MeasureSettings:
    return MeasureSettings(
        runtime=runtime,
        threads=threads,
        repetitions=spec.repetitions,
        relative_half_width=spec.relative_half_width,
        time_budget_ms=spec.time_budget_ms,
        input_shape=(variant.batch, INPUT_CHANNELS, variant.input_size, variant.input_size),
        input_seed=INPUT_SEED,
    )


def _check_settings(spec: SweepSpec) -> None:
    checks = (
        (bool(spec.backbones), "name at least one backbone with --models"),
        (bool(spec.runtimes), "name at least one runtime with --runtimes"),
        (
            bool(spec.threads) and all(1 <= count <= MAX_THREADS for count in spec.threads),
            f"threads must be 1 to {MAX_THREADS}",
        ),
        (
            1 <= spec.repetitions <= MAX_REPETITIONS,
            f"repetitions must be 1 to {MAX_REPETITIONS}, not {spec.repetitions}",
        ),
        (
            0 < spec.relative_half_width <= MAX_RELATIVE_HALF_WIDTH,
            f"the precision must be above 0 % and at most {MAX_RELATIVE_HALF_WIDTH:.0%}, "
            f"not {spec.relative_half_width:.3%}",
        ),
        (
            MIN_TIME_BUDGET_MS <= spec.time_budget_ms <= MAX_TIME_BUDGET_MS,
            f"the time budget must be {MIN_TIME_BUDGET_MS} ms to {MAX_TIME_BUDGET_MS // 1000} s, "
            f"not {spec.time_budget_ms} ms",
        ),
    )
    for holds, sentence in checks:
        if not holds:
            raise EdgerankError(ErrorCode.INVALID_INPUT, sentence)
