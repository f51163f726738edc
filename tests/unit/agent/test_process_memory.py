"""Memory figures come from the kernel's own files."""

from pathlib import Path

import pytest

from agent.process_memory import oom_kills, peak_rss_bytes, pss_bytes


def plant(root: Path, name: str, content: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return root


def test_the_peak_is_the_high_water_mark(tmp_path: Path) -> None:
    plant(tmp_path, "self/status", "Name:\tpython\nVmHWM:\t   58916 kB\nVmRSS:\t   40000 kB\n")
    assert peak_rss_bytes(tmp_path) == 58_916 * 1024


def test_a_kernel_without_the_high_water_mark_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="VmHWM"):
        peak_rss_bytes(plant(tmp_path, "self/status", "Name:\tpython\n"))


def test_the_proportional_set_size_is_optional(tmp_path: Path) -> None:
    assert pss_bytes(tmp_path) is None
    rollup = "5..7 ---p 0 00:00 0 [rollup]\nRss:  900 kB\nPss:  332 kB\nPss_Anon:  116 kB\n"
    assert pss_bytes(plant(tmp_path, "self/smaps_rollup", rollup)) == 332 * 1024


def test_processes_killed_for_lack_of_memory_are_counted(tmp_path: Path) -> None:
    assert oom_kills(tmp_path) == 0
    assert oom_kills(plant(tmp_path, "vmstat", "pgfault 12\noom_kill 3\nswap_ra 0\n")) == 3
