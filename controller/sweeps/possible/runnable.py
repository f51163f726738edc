"""Which files a device can run: one question, whatever may be in the way."""

from collections.abc import Iterable, Mapping

from controller.domain.devices import Device
from controller.domain.jobs import PlannedJob
from controller.sweeps.possible.readable import KnownVersions, too_new
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

# As /proc/cpuinfo calls arithmetic of half precision in vectors.
_HALF_PRECISION = "asimdhp"


def why_not(device: Device, variant: Variant, needed: OnnxVersions) -> tuple[Reason, ...]:
    """Why a device cannot run a variant's file; empty where it can, or nothing is known against it.

    Args:
        device: with all that it says of itself.
        variant: what the file is of.
        needed: what an ONNX file needs; of no meaning for others.
    """
    found = (too_new(device, variant, needed), _lacks_half_precision(device, variant))
    return tuple(each for each in found if each is not None)


def unrunnable_jobs(
    jobs: Iterable[PlannedJob], devices: Iterable[Device], versions: KnownVersions
) -> Mapping[PlannedJob, tuple[Reason, ...]]:
    """The jobs whose file the device could not run, each with why."""
    by_id = {device.device_id: device for device in devices}
    found: dict[tuple[str, Variant], tuple[Reason, ...]] = {}
    unrunnable: dict[PlannedJob, tuple[Reason, ...]] = {}
    for job in jobs:
        file = job.device_id, job.variant
        if file not in found:
            found[file] = why_not(by_id[job.device_id], job.variant, versions.of(job.variant))
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
