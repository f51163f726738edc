"""Where and how a device is to compute, and why it cannot: cores, threads, execution provider."""

from typing import Final

from controller.domain.cores import CoreChoice, Cores, check_cores, format_cores
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Device, SweepSpec
from protos.device import DeviceProfile
from protos.runtimes import OnnxRuntimeOptions, Runtime

_ORDINARY: Final = OnnxRuntimeOptions()
# Where the agent knows how to make subnormal numbers count as 0; see agent/child/denormals.py.
_FLUSHING_ARCHITECTURES: Final = ("x86_64", "AMD64", "aarch64", "arm64", "armv7l", "armv8l")


class CoresMissing(EdgerankError):
    """The device has no such cores; the message says which it has."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.PRECONDITION, message)


def check_placement(spec: SweepSpec) -> None:
    """What is asked for makes sense, whatever the devices are.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    check_cores(spec.cores)
    asks_onnxruntime = spec.onnxruntime not in (None, _ORDINARY)
    if asks_onnxruntime and Runtime.ONNXRUNTIME not in spec.runtimes:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "execution provider, graph optimization, spinning and arena are settings of "
            "onnxruntime; add it with --runtimes",
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
        raise CoresMissing(
            f"device {device.name!r} has no core {format_cores(missing)}; "
            f"it has {format_cores(known)}"
        )
    return wanted.cpus


def placement_obstacle(device: Device, runtime: Runtime, threads: int, spec: SweepSpec) -> str:
    """Why a device cannot compute so, with what would be possible; empty when it can."""
    try:
        cores = choose_cores(device, spec.cores)
    except CoresMissing as missing:
        return str(missing)
    return (
        _threads_obstacle(device, cores, threads)
        or _provider_obstacle(device, runtime, spec)
        or _flushing_obstacle(device, spec)
    )


def options_of(runtime: Runtime, spec: SweepSpec) -> OnnxRuntimeOptions | None:
    """What ONNX Runtime is told; None for another runtime."""
    return (spec.onnxruntime or _ORDINARY) if runtime is Runtime.ONNXRUNTIME else None


def _cores_of_class(device: Device, wanted: CoreChoice) -> tuple[int, ...]:
    clusters = device.profile.clusters
    known = _known_cores(device.profile)
    has = f"its cores are {format_cores(known)}" if known else "name them by their numbers"
    if not clusters:
        raise CoresMissing(
            f"device {device.name!r} does not tell which of its cores are {wanted.value}; {has}"
        )
    if len(clusters) == 1:
        raise CoresMissing(
            f"device {device.name!r} has no {wanted.value} cores, they are all alike; {has}"
        )
    # The contract has the most capable first.
    of_class = set(clusters[0 if wanted is CoreChoice.BIG else -1].cpus)
    usable = of_class.intersection(device.profile.usable_cpus or of_class)
    if not usable:
        raise CoresMissing(
            f"the agent of device {device.name!r} may use none of its {wanted.value} cores, "
            f"{format_cores(sorted(of_class))}; it may use {format_cores(known)}"
        )
    return tuple(sorted(usable))


def _known_cores(profile: DeviceProfile) -> tuple[int, ...]:
    """The numbers of the cores that a device's agent may use; empty where they are not known."""
    if profile.usable_cpus:
        return profile.usable_cpus
    in_clusters = sorted(core for cluster in profile.clusters for core in cluster.cpus)
    return tuple(in_clusters) or tuple(range(profile.logical_cores))


def _threads_obstacle(device: Device, cores: tuple[int, ...], threads: int) -> str:
    if cores and threads > len(cores):
        return (
            f"{len(cores)} of the cores of device {device.name!r} are chosen, "
            f"{format_cores(cores)}; ask for at most as many threads, not {threads}"
        )
    usable = len(device.profile.usable_cpus)
    if 0 < usable < min(threads, device.profile.logical_cores):
        return (
            f"the agent of device {device.name!r} may use {usable} of its "
            f"{device.profile.logical_cores} cores; ask for at most as many threads, not {threads}"
        )
    if 0 < device.profile.logical_cores < threads:
        return (
            f"device {device.name!r} has {device.profile.logical_cores} cores; "
            f"ask for at most as many threads, not {threads}"
        )
    return ""


def _provider_obstacle(device: Device, runtime: Runtime, spec: SweepSpec) -> str:
    options = options_of(runtime, spec)
    if options is None or options.execution_provider == _ORDINARY.execution_provider:
        return ""
    told = (info.execution_providers for info in device.profile.runtimes if info.runtime is runtime)
    # A runtime that could not be asked tells none.
    has = next(told, ()) or (_ORDINARY.execution_provider,)
    if options.execution_provider in has:
        return ""
    return (
        f"{runtime.value} on device {device.name!r} has no {options.execution_provider!r}; "
        f"it has {', '.join(has)}"
    )


def _flushing_obstacle(device: Device, spec: SweepSpec) -> str:
    architecture = device.profile.architecture
    if not spec.flush_denormals or architecture in _FLUSHING_ARCHITECTURES:
        return ""
    return (
        f"no way is known to flush denormals on device {device.name!r}, whose architecture is "
        f"{architecture!r}; known: {', '.join(_FLUSHING_ARCHITECTURES)}"
    )
