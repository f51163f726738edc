"""Which cores and caches the device has, as /sys tells it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from agent.device.kernel_files import cpu_numbers, numbered, online_cpus, read_text, read_whole
from protos.device import CoreCluster, CpuCache

# Nothing that runs an agent is slower or faster: 1 MHz to 20 GHz.
SLOWEST_KHZ = 1_000
FASTEST_KHZ = 20_000_000
# SCHED_CAPACITY_SCALE of the kernel.
_MAX_CAPACITY = 1_024
# Of maximum frequencies. Kinds of cores in one hybrid chip lie further apart: 5.1 and 3.9 GHz.
_NOTABLE_DIFFERENCE = 0.1
_MAX_LEVEL = 4
_MAX_CACHE_BYTES = 16 * 1024**3
_SIZE_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def core_clusters(sys_root: Path) -> tuple[CoreCluster, ...]:
    """The cores in use, grouped by capacity and maximum frequency, the most capable first.

    Cores of no capacity are alike when their frequencies differ by less than a tenth: on a desktop
    the kernel prefers some cores, which boost a little higher and are no others. The frequency of
    such a cluster is its highest. Empty when the kernel tells neither of any core.
    """
    alike: dict[tuple[int | None, int | None], list[int]] = defaultdict(list)
    for cpu, folder in online_cpus(sys_root):
        capacity = read_whole(folder / "cpu_capacity", 1, _MAX_CAPACITY)
        frequency = read_whole(folder / "cpufreq/cpuinfo_max_freq", SLOWEST_KHZ, FASTEST_KHZ)
        alike[capacity, frequency].append(cpu)
    if set(alike) <= {(None, None)}:
        return ()
    alike = _nearly_alike(alike)
    return tuple(
        CoreCluster(cpus=tuple(cpus), capacity=capacity, max_frequency_khz=frequency)
        for (capacity, frequency), cpus in sorted(
            alike.items(), key=lambda each: [-(figure or 0) for figure in each[0]]
        )
    )


def _nearly_alike(
    alike: Mapping[tuple[int | None, int | None], list[int]],
) -> dict[tuple[int | None, int | None], list[int]]:
    """The same cores, those of no capacity and almost one frequency together."""
    merged: dict[tuple[int | None, int | None], list[int]] = {}
    highest: int | None = None
    for capacity, frequency in sorted(alike, key=lambda each: -(each[1] or 0)):
        joins = frequency
        if capacity is None and frequency is not None:
            if highest is None or highest - frequency >= highest * _NOTABLE_DIFFERENCE:
                highest = frequency
            joins = highest
        cpus = [*merged.get((capacity, joins), ()), *alike[capacity, frequency]]
        merged[capacity, joins] = sorted(cpus)
    return merged


def cpu_caches(sys_root: Path) -> tuple[CpuCache, ...]:
    """The caches of the cores in use, grouped by level, kind and size, the nearest first."""
    alike: dict[tuple[int, str, int], set[tuple[int, ...]]] = defaultdict(set)
    for cpu, folder in online_cpus(sys_root):
        for _, cache in numbered(folder / "cache", "index"):
            level = read_whole(cache / "level", 1, _MAX_LEVEL)
            kind = (read_text(cache / "type") or "").lower()
            size_bytes = _size_bytes(read_text(cache / "size") or "")
            sharers = cpu_numbers(read_text(cache / "shared_cpu_list") or "")
            if level and kind and size_bytes and cpu in sharers:
                alike[level, kind, size_bytes].add(sharers)
    return tuple(
        CpuCache(
            level=level,
            kind=kind,
            size_bytes=size_bytes,
            count=len(groups),
            cpus=tuple(sorted({cpu for sharers in groups for cpu in sharers})),
        )
        for (level, kind, size_bytes), groups in sorted(alike.items())
    )


def _size_bytes(text: str) -> int | None:
    size = re.fullmatch(r"([0-9]{1,12})([KMG]?)", text)
    if size is None:
        return None
    size_bytes = int(size[1]) * _SIZE_UNITS[size[2]]
    return size_bytes if 0 < size_bytes <= _MAX_CACHE_BYTES else None
