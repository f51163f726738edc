"""A quota of processor time is read from control groups of both versions."""

from pathlib import Path

import pytest

from agent.device.cpu_quota import cpu_quota, quota_counts
from agent.device.kernel_files import Roots
from tests.unit.agent.trees import plant

V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"
STAT_V2 = "usage_usec 81230\nnr_periods 40\nnr_throttled 12\nthrottled_usec 531200\nnr_bursts 0\n"
STAT_V1 = "nr_periods 40\nnr_throttled 12\nthrottled_time 531200000\n"
# As docker run --cpus 1.5 shows itself inside of the container.
DOCKER_V2 = {
    "proc/self/cgroup": "0::/\n",
    f"{V2}/cpu.max": "150000 100000\n",
    f"{V2}/cpu.stat": STAT_V2,
}
DOCKER_V1 = {
    "proc/self/cgroup": "12:memory:/docker/1a2b\n4:cpu,cpuacct:/docker/1a2b\n0::/system.slice\n",
    f"{V1}/cpu.cfs_quota_us": "150000\n",
    f"{V1}/cpu.cfs_period_us": "100000\n",
    f"{V1}/cpu.stat": STAT_V1,
}
# A service below a slice: what holds is the tighter one.
SERVICE = {
    "proc/self/cgroup": "0::/system.slice/edgerank.service\n",
    f"{V2}/system.slice/cpu.max": "50000 100000\n",
    f"{V2}/system.slice/cpu.stat": STAT_V2,
    f"{V2}/system.slice/edgerank.service/cpu.max": "200000 100000\n",
    f"{V2}/system.slice/edgerank.service/cpu.stat": "nr_periods 7\nnr_throttled 0\n",
}


@pytest.mark.parametrize(
    ("files", "cores"),
    [(DOCKER_V2, 1.5), (DOCKER_V1, 1.5), (SERVICE, 0.5)],
    ids=["version-2", "version-1", "of-a-slice"],
)
def test_the_tightest_quota_holds(tmp_path: Path, files: dict[str, str], cores: float) -> None:
    quota = cpu_quota(plant(tmp_path, files))
    assert quota is not None
    assert quota.cores == cores
    assert quota_counts(quota) == (40, 12)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "rubbish\n0\n"},
        DOCKER_V2 | {f"{V2}/cpu.max": "max 100000\n"},
        DOCKER_V2 | {f"{V2}/cpu.max": "150000 0\n"},
        DOCKER_V2 | {f"{V2}/cpu.max": "many\n"},
        DOCKER_V1 | {f"{V1}/cpu.cfs_quota_us": "-1\n"},
        {"proc/self/cgroup": "4:memory:/docker/1a2b\n", f"{V2}/cpu.max": "150000 100000\n"},
    ],
)
def test_without_a_quota_there_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    quota = cpu_quota(plant(tmp_path, files))
    assert quota is None
    assert quota_counts(quota) == (None, None)


def test_a_group_is_never_looked_for_outside_of_the_mount(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/../../elsewhere\n", "elsewhere/cpu.max": "1000 100000\n"}
    plant(tmp_path, files)
    assert cpu_quota(Roots(top=tmp_path)) is None


def test_a_quota_that_does_not_count_says_nothing(tmp_path: Path) -> None:
    quota = cpu_quota(plant(tmp_path, DOCKER_V2 | {f"{V2}/cpu.stat": "usage_usec 1\n"}))
    assert quota is not None
    assert quota_counts(quota) == (None, None)
