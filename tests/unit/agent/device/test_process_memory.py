"""Memory figures come from the kernel's own files."""

import mmap
from pathlib import Path

import pytest

from agent.device.process_memory import (
    PeakMeter,
    oom_kills,
    peak_rss_bytes,
    pss_bytes,
    read_residence,
)
from protos.measuring import ProcessMemory

PROC = Path("/proc")
MIB = 1024**2


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


ROLLUP = """\
5..7 ---p 0 00:00 0 [rollup]
Rss:  900 kB
Pss:  332 kB
Pss_Anon:  116 kB
Private_Dirty:  116 kB
Anonymous:  120 kB
"""
SMAPS = """\
55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0                          [heap]
Rss:                 132 kB
7f10a0000000-7f10a0400000 r--p 00000000 fe:00 393219                     /models/a b.onnx
Size:               4096 kB
Rss:                3000 kB
Pss:                3000 kB
7f10a0400000-7f10a0500000 r--p 00400000 fe:00 393219                     /models/a b.onnx
Rss:                  24 kB
7f10a0600000-7f10a0700000 r-xp 00000000 fe:00 12                         /lib/libc.so.6
Rss:                 800 kB
"""


def test_resident_memory_is_told_by_kind(tmp_path: Path) -> None:
    plant(tmp_path, "self/smaps_rollup", ROLLUP)
    plant(tmp_path, "self/smaps", SMAPS)
    plant(tmp_path, "self/status", "RssAnon:\t     120 kB\nRssFile:\t    3824 kB\n")
    assert read_residence(tmp_path, Path("/models/a b.onnx")) == ProcessMemory(
        private_dirty_bytes=116 * 1024,
        anonymous_bytes=120 * 1024,
        file_backed_bytes=3_824 * 1024,
        mapped_artifact_bytes=3_024 * 1024,
    )
    assert read_residence(tmp_path, Path("/models/b.onnx")).mapped_artifact_bytes == 0
    assert pss_bytes(tmp_path) == 332 * 1024


@pytest.mark.parametrize("lie", ["", "Pss: -4 kB", "Anonymous: many kB\nRssFile: 3 pages"])
def test_a_kernel_that_tells_no_kinds_leaves_them_unknown(tmp_path: Path, lie: str) -> None:
    for name in ("smaps_rollup", "status"):
        plant(tmp_path, f"self/{name}", lie)
    assert read_residence(tmp_path, Path("/models/a.onnx")) == ProcessMemory()
    assert pss_bytes(tmp_path) is None


def test_a_mapped_artifact_is_told_from_the_heap(tmp_path: Path) -> None:
    artifact = tmp_path / "model.onnx"
    artifact.write_bytes(b"x" * MIB)
    with artifact.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped.find(b"y") == -1
        assert read_residence(PROC, artifact).mapped_artifact_bytes == MIB
        folder = tmp_path / "linked"
        folder.symlink_to(tmp_path)
        assert read_residence(PROC, folder / "model.onnx").mapped_artifact_bytes == MIB


def test_each_phase_has_a_peak_of_its_own() -> None:
    # By the kernel of this machine: memory that one phase gives back is not in the next one's peak.
    meter = PeakMeter(PROC)
    resting = meter.end_phase()
    taken = bytearray(64 * MIB)
    del taken
    hungry, after = meter.end_phase(), meter.end_phase()
    assert resting is not None
    assert hungry is not None
    assert after is not None
    assert hungry - resting > 60 * MIB
    assert after - resting < 4 * MIB
    assert meter.highest_bytes >= hungry


def test_where_peaks_cannot_be_reset_only_the_highest_is_known(tmp_path: Path) -> None:
    plant(tmp_path, "self/status", "VmHWM:\t   50000 kB\n")
    (tmp_path / "self/clear_refs").mkdir()
    meter = PeakMeter(tmp_path)
    plant(tmp_path, "self/status", "VmHWM:\t   60000 kB\n")
    assert meter.end_phase() is None
    assert meter.highest_bytes == 60_000 * 1024


def test_processes_killed_for_lack_of_memory_are_counted(tmp_path: Path) -> None:
    assert oom_kills(tmp_path) == 0
    plant(tmp_path, "vmstat", "pgfault 12\noom_kill 3\nswap_ra 0\n")
    assert oom_kills(tmp_path) == 3
