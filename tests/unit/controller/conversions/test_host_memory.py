"""A container's limit counts where there is one; otherwise the host's free memory does."""

from pathlib import Path

import psutil
import pytest

from controller.conversions.host_memory import SHARE, memory_limits, room_bytes

V1_LINE = "9:name=systemd:/\n4:memory,hugetlb:/pod/box\n1:cpu:/\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def test_every_group_above_counts_in_the_newer_version(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/pod/box\n")
    write(root / "sys/fs/cgroup/pod/box/memory.max", "max\n")
    write(root / "sys/fs/cgroup/pod/memory.max", "3000\n")
    assert list(memory_limits(root)) == [3000]


def test_the_older_version_names_its_memory_group(root: Path) -> None:
    write(root / "proc/self/cgroup", V1_LINE + "0::/\n")
    write(root / "sys/fs/cgroup/memory/pod/box/memory.limit_in_bytes", "2000\n")
    write(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert list(memory_limits(root)) == [2000, 9223372036854771712]


def test_a_container_that_sees_only_its_own_group_finds_its_limit(root: Path) -> None:
    write(root / "proc/self/cgroup", V1_LINE)
    write(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n")
    assert list(memory_limits(root)) == [5000]


def test_the_smallest_limit_rules(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/box\n")
    write(root / "sys/fs/cgroup/box/memory.max", "4000\n")
    assert room_bytes(root) == round(SHARE * 4000)


def test_without_a_limit_it_is_what_the_host_has_free(root: Path) -> None:
    assert list(memory_limits(root)) == []
    assert 0 < room_bytes(root) < psutil.virtual_memory().total
