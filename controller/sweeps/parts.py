"""What the jobs of a sweep are made of, each part once: variants, and what a device is told."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from controller.domain.devices import Device
from controller.domain.sweeps import SweepSpec
from controller.sweeps.placement import choose_cores, options_of
from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, variants_of
from protos.inputs import NetworkInput
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime

INPUT_SEED: Final = 20231

TARGETS: Final = {
    "x86_64": Target.X86,
    "AMD64": Target.X86,
    "aarch64": Target.ARM,
    "arm64": Target.ARM,
    "armv7l": Target.ARM,
    "armv8l": Target.ARM,
}


_VariantAndInput: TypeAlias = tuple[Variant, NetworkInput]
_File: TypeAlias = tuple[Format, Target]


class Files:
    """The variants of backbones by the files that runtimes run; made once for all devices."""

    def __init__(self, spec: SweepSpec) -> None:
        self._spec = spec
        self._known: dict[tuple[str, Precision], dict[_File, list[_VariantAndInput]]] = {}
        self._inputs: dict[NetworkInput, NetworkInput] = {}

    def variants(
        self, device: Device, backbone: Backbone, runtime: Runtime, precision: Precision
    ) -> Sequence[_VariantAndInput]:
        """Those that a runtime runs on a device, in each size and batch, with what they take."""
        key = (backbone.name, precision)
        if key not in self._known:
            self._known[key] = self._of(backbone, precision)
        file = file_of(device, runtime)
        if file is None:
            return ()
        usual = self._known[key].get(file, ())
        if file[0] is not Format.PADDLELITE:
            return usual
        beside = ((Format.PADDLELITE, target) for target in self._spec.accelerators)
        return [*usual, *(each for other in beside for each in self._known[key].get(other, ()))]

    def _of(self, backbone: Backbone, precision: Precision) -> dict[_File, list[_VariantAndInput]]:
        by_file: dict[_File, list[_VariantAndInput]] = {}
        sizes, batches = self._spec.input_sizes, self._spec.batches
        accelerators = self._spec.accelerators
        for variant in variants_of(backbone, (precision,), sizes, batches, accelerators):
            takes = taken(backbone, variant)
            # The same object for all that take the same, so that it is found by its identity.
            shared = (variant, self._inputs.setdefault(takes, takes))
            by_file.setdefault((variant.format, variant.target), []).append(shared)
        return by_file


class Told:
    """What jobs are told: the same for all that differ in their backbones alone."""

    def __init__(self, spec: SweepSpec) -> None:
        self._spec = spec
        self._known: dict[tuple[str, Runtime, int, int], MeasureSettings] = {}

    def settings(
        self, device: Device, runtime: Runtime, threads: int, takes: NetworkInput
    ) -> MeasureSettings:
        """What a job is told that takes this."""
        key = (device.device_id, runtime, threads, id(takes))
        if key not in self._known:
            self._known[key] = self._made(device, runtime, threads, takes)
        return self._known[key]

    def _made(
        self, device: Device, runtime: Runtime, threads: int, takes: NetworkInput
    ) -> MeasureSettings:
        spec = self._spec
        return MeasureSettings(
            runtime=runtime,
            threads=threads,
            relative_half_width=spec.relative_half_width,
            time_budget_ms=spec.time_budget_ms,
            takes=takes,
            input_seed=INPUT_SEED,
            gate=spec.gate,
            cores=choose_cores(device, spec.cores),
            flush_denormals=spec.flush_denormals,
            onnxruntime=options_of(runtime, spec),
            sustained_minutes=spec.sustained_minutes,
            paced_fps=spec.paced_fps,
        )


def file_of(device: Device, runtime: Runtime) -> tuple[Format, Target] | None:
    """What kind of file a runtime runs on a device; None where that is not known."""
    if runtime is Runtime.ONNXRUNTIME:
        return Format.ONNX, Target.ANY
    target = TARGETS.get(device.profile.architecture)
    return None if target is None else (Format.PADDLELITE, target)


def taken(backbone: Backbone, variant: Variant) -> NetworkInput:
    """What one inference of a variant is given."""
    return NetworkInput(size=variant.input_size, batch=variant.batch, kind=backbone.input_kind)
