"""Where and how a device is to compute, and why it cannot: cores, threads, execution provider."""

from collections.abc import Mapping
from typing import Final

from controller.domain.cores import CoreChoice, Cores, check_cores, format_cores
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.measurements import ORDINARY_ONNXRUNTIME
from controller.domain.sweeps import SweepSpec
from models.catalog.precisions import Precision
from protos.device import DeviceProfile
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

# Where the agent knows how to make subnormal numbers count as 0; see agent/child/denormals.py.
_FLUSHING_ARCHITECTURES: Final = ("x86_64", "AMD64", "aarch64", "arm64", "armv7l", "armv8l")


class CoresMissing(Refused):
    """The device has no such cores; the reason tells which it has."""

    def __init__(self, why: Reason) -> None:
        super().__init__(ErrorCode.PRECONDITION, (why,))


def check_placement(spec: SweepSpec) -> None:
    """What is asked for makes sense, whatever the devices are.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    check_cores(spec.cores)
    asks_onnxruntime = spec.onnxruntime not in (None, ORDINARY_ONNXRUNTIME)
    if asks_onnxruntime and spec.runtimes and Runtime.ONNXRUNTIME not in spec.runtimes:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "execution provider, graph optimization, spinning and arena are settings of "
            "onnxruntime; ask for that runtime, too",
        )
    asks_paddlelite = not spec.runtimes or Runtime.PADDLELITE in spec.runtimes
    asks_fp32 = not spec.precisions or Precision.FP32 in spec.precisions
    if spec.accelerators and not (asks_paddlelite and asks_fp32):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "files for accelerators are paddlelite's, in fp32; ask for that runtime and that "
            "precision, too",
        )


def choose_cores(device: Device, wanted: Cores) -> tuple[int, ...]:
    """The numbers of the wanted cores, ascending; empty for all of them.

    Big are the device's most capable cores, little its least capable ones.

    Raises:
        CoresMissing: the device does not have them.
    """
    if wanted.choice is CoreChoice.ALL:
        return ()
    if wanted.choice is not CoreChoice.LISTED:
        return _cores_of_class(device, wanted.choice)
    known = _known_cores(device.profile)
    missing = sorted(set(wanted.cpus) - set(known))
    if known and missing:
        words = {"cores": format_cores(missing), "has": format_cores(known)}
        raise CoresMissing(_of(device, ReasonCode.CORES_MISSING, words))
    return wanted.cpus


def placement_obstacle(
    device: Device, runtime: Runtime, threads: int, spec: SweepSpec
) -> Reason | None:
    """Why a device cannot compute so, with what would be possible; None when it can."""
    try:
        cores = choose_cores(device, spec.cores)
    except CoresMissing as missing:
        return missing.reasons[0]
    return (
        _threads_obstacle(device, cores, threads)
        or _provider_obstacle(device, runtime, spec)
        or _flushing_obstacle(device, spec)
    )


def options_of(runtime: Runtime, spec: SweepSpec) -> OnnxRuntimeOptions | None:
    """What ONNX Runtime is told; None for another runtime."""
    return (spec.onnxruntime or ORDINARY_ONNXRUNTIME) if runtime is Runtime.ONNXRUNTIME else None


def _cores_of_class(device: Device, wanted: CoreChoice) -> tuple[int, ...]:
    clusters = device.profile.clusters
    known = _known_cores(device.profile)
    words = {"choice": wanted.value, "has": format_cores(known)}
    if not clusters:
        raise CoresMissing(_of(device, ReasonCode.CORE_CLASSES_UNKNOWN, words))
    if len(clusters) == 1:
        raise CoresMissing(_of(device, ReasonCode.CORES_ALIKE, words))
    # The contract has the most capable first.
    of_class = set(clusters[0 if wanted is CoreChoice.BIG else -1].cpus)
    usable = of_class.intersection(device.profile.usable_cpus or of_class)
    if not usable:
        words["cores"] = format_cores(sorted(of_class))
        raise CoresMissing(_of(device, ReasonCode.CORES_NOT_ALLOWED, words))
    return tuple(sorted(usable))


def _known_cores(profile: DeviceProfile) -> tuple[int, ...]:
    """The numbers of the cores that a device's agent may use; empty where they are not known."""
    if profile.usable_cpus:
        return profile.usable_cpus
    in_clusters = sorted(core for cluster in profile.clusters for core in cluster.cpus)
    return tuple(in_clusters) or tuple(range(profile.logical_cores))


def _threads_obstacle(device: Device, cores: tuple[int, ...], threads: int) -> Reason | None:
    device_cores = device.profile.logical_cores
    if cores and threads > len(cores):
        words = {"cores": format_cores(cores)}
        return _of(
            device, ReasonCode.THREADS_EXCEED_CHOSEN, words, threads=threads, count=len(cores)
        )
    usable = len(device.profile.usable_cpus)
    if 0 < usable < min(threads, device_cores):
        return _of(
            device,
            ReasonCode.THREADS_EXCEED_ALLOWED,
            {},
            threads=threads,
            count=usable,
            device_cores=device_cores,
        )
    if 0 < device_cores < threads:
        return _of(
            device,
            ReasonCode.THREADS_EXCEED_CORES,
            {},
            threads=threads,
            device_cores=device_cores,
        )
    quota = device.profile.cpu_quota_cores
    # One thread is the least that there is, however small the quota.
    if quota is not None and threads > max(1, quota):
        return _of(device, ReasonCode.THREADS_EXCEED_QUOTA, {}, threads=threads, quota_cores=quota)
    return None


def _provider_obstacle(device: Device, runtime: Runtime, spec: SweepSpec) -> Reason | None:
    options = options_of(runtime, spec)
    if options is None or options.execution_provider == ORDINARY_ONNXRUNTIME.execution_provider:
        return None
    told = (info.execution_providers for info in device.profile.runtimes if info.runtime is runtime)
    # A runtime that could not be asked tells none.
    has = next(told, ()) or (ORDINARY_ONNXRUNTIME.execution_provider,)
    if options.execution_provider in has:
        return None
    words = {
        "runtime": runtime.value,
        "provider": options.execution_provider,
        "has": ", ".join(has),
    }
    return _of(device, ReasonCode.PROVIDER_MISSING, words)


def _flushing_obstacle(device: Device, spec: SweepSpec) -> Reason | None:
    architecture = device.profile.architecture
    if not spec.flush_denormals or architecture in _FLUSHING_ARCHITECTURES:
        return None
    words = {"architecture": architecture, "known": ", ".join(_FLUSHING_ARCHITECTURES)}
    return _of(device, ReasonCode.FLUSHING_UNKNOWN, words)


def _of(device: Device, code: ReasonCode, words: Mapping[str, str], **figures: float) -> Reason:
    return reason(code, {"device": device.name, **words}, **figures)
