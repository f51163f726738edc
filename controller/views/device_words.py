"""Words for what a device is, which the terminal and the report share."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from controller.domain.quantities import format_memory, format_number
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


def surroundings_words(profile: DeviceProfile) -> Iterator[str]:
    """Say what stands between the figures and the metal."""
    if profile.emulator:
        yield f"emulated ({profile.emulator}): latencies are those of another CPU"
    if profile.virtual_machine:
        yield f"virtual machine ({profile.virtual_machine})"
    if profile.container:
        yield f"container ({profile.container})"
