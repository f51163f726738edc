"""How much of the processor the control groups of the agent leave it, and how often that ended."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

from agent.device.kernel_files import Roots, read_text, read_whole

# The kernel's own bounds of a period are 1 ms and 1 s; a quota may be that of many cores.
_MAX_PERIOD_US = 1_000_000
_MAX_QUOTA_US = 8_192 * _MAX_PERIOD_US
_V2_LIMIT = re.compile(r"([0-9]{1,12}) ([0-9]{1,7})")
_COUNT = re.compile(r"(nr_periods|nr_throttled) ([0-9]{1,18})")


@dataclass(frozen=True, kw_only=True)
class CpuQuota:
    """The tightest quota of processor time that holds for the agent and its children.

    Attributes:
        cores: cores' time that it leaves, 0.5 being half of one core.
        folder: of the control group that it is of.
    """

    cores: float
    folder: Path


def cpu_quota(roots: Roots) -> CpuQuota | None:
    """The tightest quota of the agent's control group and of those above it; None without one.

    Both versions of control groups are read. A container sees its own group as the topmost one.
    """
    quotas = [
        CpuQuota(cores=float(cores), folder=folder)
        for folder in _groups(roots)
        if (cores := _cores(folder)) is not None
    ]
    return min(quotas, key=lambda quota: quota.cores, default=None)


def quota_counts(quota: CpuQuota | None) -> tuple[int | None, int | None]:
    """How many periods a quota had so far, and in how many it ended; None where unknown."""
    told = read_text(quota.folder / "cpu.stat") if quota else None
    counts = {name: int(count) for name, count in _COUNT.findall(told or "")}
    return counts.get("nr_periods"), counts.get("nr_throttled")


def _groups(roots: Roots) -> Iterator[Path]:
    """The folders of the groups that limit the agent's processor time, from its own upwards."""
    for line in (read_text(roots.proc / "self/cgroup") or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        mount = roots.sys / "fs/cgroup"
        if "cpu" in controllers.split(","):
            mount /= controllers
        elif controllers:
            continue
        # A group outside of the agent's own view is told by dots.
        group = PurePosixPath(*(part for part in path.split("/") if part not in ("", "..")))
        yield from (mount / each for each in (group, *group.parents))


def _cores(folder: Path) -> Fraction | None:
    limit = _V2_LIMIT.fullmatch(read_text(folder / "cpu.max") or "")
    if limit is not None:
        quota_us, period_us = int(limit[1]), int(limit[2])
    else:
        # Without a quota it is -1.
        quota_us = read_whole(folder / "cpu.cfs_quota_us", 1, _MAX_QUOTA_US) or 0
        period_us = read_whole(folder / "cpu.cfs_period_us", 1, _MAX_PERIOD_US) or 0
    return Fraction(quota_us, period_us) if quota_us and period_us else None
