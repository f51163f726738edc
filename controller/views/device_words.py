"""Words for what a device is and whether it takes jobs, which the terminal and the report share."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from controller.domain.access import CallerKind
from controller.domain.devices import (
    DeviceCondition,
    DeviceEvent,
    DeviceEventKind,
    DeviceStanding,
    HeldUp,
)
from controller.domain.quantities import format_memory, format_number
from controller.views.counting import counted, minute
from controller.views.reasons import sentences
from protos.device import CoreCluster, CpuCache, DeviceProfile

# As people call what decides on a runtime's kernels; the kernel's own word where they have none.
_INSTRUCTION_SETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "asimddp": "dotprod",
        "asimdhp": "fp16",
        "i8mm": "i8mm",
        "bf16": "bf16",
        "sve": "SVE",
        "sme": "SME",
        "avx2": "AVX2",
        "avx512f": "AVX-512",
        "avx512_vnni": "VNNI",
        "avx_vnni": "VNNI",
        "amx_int8": "AMX",
    }
)


def clusters_words(clusters: Sequence[CoreCluster]) -> str:
    """Write 1 x 2.84 GHz + 3 x 2.42 GHz; empty where no frequency is known."""
    if not any(cluster.max_frequency_khz for cluster in clusters):
        return ""
    return " + ".join(
        f"{len(cluster.cpus)} x {format_number(cluster.max_frequency_khz / 1e6)} GHz"
        if cluster.max_frequency_khz
        else f"{len(cluster.cpus)} x unknown frequency"
        for cluster in clusters
    )


def instruction_set_words(flags: Sequence[str]) -> str:
    """Name what decides on a runtime's kernels: AVX2 AVX-512 VNNI."""
    return " ".join(
        dict.fromkeys(word for flag, word in _INSTRUCTION_SETS.items() if flag in flags)
    )


def cache_words(caches: Sequence[CpuCache]) -> str:
    """Write L1 data 4 x 32.8 kB, L2 unified 2.10 MB; empty where none is known."""
    return ", ".join(
        f"L{cache.level} {cache.kind} "
        + (f"{cache.count} x " if cache.count > 1 else "")
        + format_memory(cache.size_bytes)
        for cache in caches
    )


def emulator_words(emulator: str) -> Iterator[str]:
    """Mark a figure of an emulated device: emulated (qemu-user)."""
    if emulator:
        yield f"emulated ({emulator})"


def surroundings_words(profile: DeviceProfile) -> Iterator[str]:
    """Say what stands between the figures and the metal."""
    if profile.emulator:
        yield f"emulated ({profile.emulator}): latencies are those of another CPU"
    if profile.virtual_machine:
        yield f"virtual machine ({profile.virtual_machine})"
    if profile.container:
        yield f"container ({profile.container})"


_CONDITIONS: Final[Mapping[DeviceCondition, str]] = MappingProxyType(
    {
        DeviceCondition.ACTIVE: "takes jobs",
        DeviceCondition.DRAINING: "finishes what it measures, then rests",
        DeviceCondition.RESTING: "rests",
        DeviceCondition.QUARANTINED: "is in quarantine",
    }
)


_SINCE: Final[Mapping[DeviceCondition, str]] = MappingProxyType(
    {
        DeviceCondition.ACTIVE: " since ",
        DeviceCondition.DRAINING: ", as told at ",
        DeviceCondition.RESTING: " since ",
        DeviceCondition.QUARANTINED: " since ",
    }
)

_CALLERS: Final[Mapping[CallerKind, str]] = MappingProxyType(
    {
        CallerKind.OWNER: "who runs the controller",
        CallerKind.TOKEN: "the token",
        CallerKind.MEMBER: "the device",
        CallerKind.ANYBODY: "somebody unknown",
        CallerKind.STRANGER: "a stranger",
        CallerKind.JOIN_TOKEN: "the join token",
    }
)


def standing_words(standing: DeviceStanding) -> str:
    """Say whether a device takes jobs: rests since 2026-11-26 07:30 UTC, by the token night."""
    words = _CONDITIONS[standing.condition]
    if standing.since_unix_ms is not None:
        words += f"{_SINCE[standing.condition]}{minute(standing.since_unix_ms)} UTC"
    if standing.caller is not None:
        words += f", by {caller_words(standing.caller, standing.caller_name)}"
    if standing.reasons:
        return f"{words}: {sentences(standing.reasons)}"
    if standing.unreported:
        jobs = counted(standing.unreported, "job")
        words += f" and reports nothing: of the last {jobs} it was alive and told nothing"
    return words


def is_remarkable(standing: DeviceStanding) -> bool:
    """Whether people should see how a device stands where they see many."""
    return not standing.takes_jobs or standing.unreported > 0


def held_up_words(held_up: HeldUp) -> str:
    """Say why the jobs of a sweep on a device wait, and what ends it."""
    device = held_up.device
    return f"waits for {device}, which {standing_words(held_up.standing)}; {wake_words(device)}"


def absent_words(names: Sequence[str]) -> str:
    """Say which devices a sweep waits for that are not connected."""
    are = "is" if len(names) == 1 else "are"
    return f"waiting for {', '.join(names)}, which {are} not connected"


def wake_words(device: str) -> str:
    """Say how a device is let take jobs again."""
    return f"'edgerank devices wake {device}' lets it take jobs"


def caller_words(caller: CallerKind, name: str) -> str:
    """Say who did something: the token night."""
    return " ".join(filter(None, (_CALLERS[caller], name)))


_EVENTS: Final[Mapping[DeviceEventKind, str]] = MappingProxyType(
    {
        DeviceEventKind.JOINED: "joined",
        DeviceEventKind.CONNECTED: "connected",
        DeviceEventKind.LEFT: "left: its agent ended",
        DeviceEventKind.LOST: "lost: its connection broke",
        DeviceEventKind.DRAINING: "draining",
        DeviceEventKind.DRAINED: "drained, resting",
        DeviceEventKind.RESTING: "resting",
        DeviceEventKind.WOKEN: "woken",
        DeviceEventKind.RENAMED: "renamed",
        DeviceEventKind.REPLACED: "taken over by another agent",
        DeviceEventKind.REMOVED: "removed",
        DeviceEventKind.REVOKED: "revoked",
        DeviceEventKind.QUARANTINED: "quarantined",
        DeviceEventKind.SILENT: "takes jobs and reports nothing",
    }
)


def event_words(event: DeviceEvent) -> str:
    """Say what befell a device: renamed from board to kitchen, by the token night."""
    words = _EVENTS[event.kind]
    if event.name:
        words += f" from {event.former_name} to {event.name}"
    if event.caller is not None:
        words += f", by {caller_words(event.caller, event.caller_name)}"
    if event.reasons:
        words += f": {sentences(event.reasons)}"
    return words
