"""Which files a device can run: one question, whatever may be in the way."""

from collections.abc import Iterable, Mapping

from controller.domain.devices import Device
from controller.domain.jobs import PlannedJob
from controller.sweeps.parts import TARGETS
from controller.sweeps.possible.known_files import KnownFiles
from controller.sweeps.possible.readable import too_new
from models.catalog.needs import FileNeeds
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

# As /proc/cpuinfo calls arithmetic of half precision in vectors.
_HALF_PRECISION = "asimdhp"


def why_not(device: Device, variant: Variant, needs: FileNeeds) -> tuple[Reason, ...]:
    """Why a device cannot run a variant's file; empty where it can, or nothing is known against it.

    Args:
        device: with all that it says of itself.
        variant: what the file is of.
        needs: what is known of the file.
    """
    found = (
        too_new(device, variant, needs.versions),
        _lacks_half_precision(device, variant),
        _lacks_extra_kernels(device, variant, needs),
        _lacks_accelerator(device, variant),
    )
    return tuple(each for each in found if each is not None)


def unrunnable_jobs(
    jobs: Iterable[PlannedJob], devices: Iterable[Device], files: KnownFiles
) -> Mapping[PlannedJob, tuple[Reason, ...]]:
    """The jobs whose file the device could not run, each with why."""
    by_id = {device.device_id: device for device in devices}
    found: dict[tuple[str, Variant], tuple[Reason, ...]] = {}
    unrunnable: dict[PlannedJob, tuple[Reason, ...]] = {}
    for job in jobs:
        file = job.device_id, job.variant
        if file not in found:
            found[file] = why_not(by_id[job.device_id], job.variant, files.of(job.variant))
        if found[file]:
            unrunnable[job] = found[file]
    return unrunnable


def _lacks_half_precision(device: Device, variant: Variant) -> Reason | None:
    """Why a file that computes in half precision would end its process by SIGILL.

    ONNX Runtime computes such files in single precision where the processor has no other.
    """
    is_of_half = variant.precision is Precision.FP16 and variant.target is Target.ARM
    told = device.profile.instruction_sets
    if variant.format is not Format.PADDLELITE or not is_of_half:
        return None
    # A device that tells nothing of its instructions may have it.
    if not told or _HALF_PRECISION in told:
        return None
    words = {
        "device": device.name,
        "runtime": Runtime.PADDLELITE.value,
        "precision": variant.precision.value,
    }
    return reason(ReasonCode.HALF_PRECISION_MISSING, words)


def _lacks_extra_kernels(device: Device, variant: Variant, needs: FileNeeds) -> Reason | None:
    """Why a file whose kernels a device's Paddle Lite was built without would end its process.

    Of kernels for x86 nothing is listed: a Paddle Lite without the extra ones is known for ARM.
    """
    if variant.format is not Format.PADDLELITE or variant.target is not Target.ARM:
        return None
    told = (each for each in device.profile.runtimes if each.runtime is Runtime.PADDLELITE)
    info = next(told, None)
    # One that does not say may have them.
    if info is None or info.extra_kernels is not False or not needs.extra_operators:
        return None
    words = {
        "device": device.name,
        "backbone": variant.backbone,
        "version": info.version,
        "operators": ", ".join(needs.extra_operators),
    }
    return reason(ReasonCode.EXTRA_KERNELS_MISSING, words)


def _lacks_accelerator(device: Device, variant: Variant) -> Reason | None:
    target, profile = variant.target, device.profile
    is_arm = TARGETS.get(profile.architecture) is Target.ARM
    if not target.is_accelerator or (is_arm and target.value in profile.accelerators):
        return None
    words = {"device": device.name, "accelerator": target.value}
    return reason(ReasonCode.ACCELERATOR_MISSING, words)
