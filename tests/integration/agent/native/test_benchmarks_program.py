"""What a benchmark holds the runner's loop against a bare one with still fits the runner's sources.

Nothing is linked, which would take a minute of a processor.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.integration.agent.native.conftest import printed_by

PROGRAM: Final = Path("tests/benchmarks/measuring/loops/program")
FAKE: Final = Path("tests/integration/agent/native/fake_paddlelite")
# As CMakeLists.txt of the runner has them.
INCLUDED: Final = ("agent/native/src", "agent/native/paddlelite_shim", FAKE)


@pytest.mark.parametrize("source", ["main.cpp", "onnxruntime_between.cpp", "bare_paddlelite.cpp"])
def test_it_compiles(source: str) -> None:
    headers = Path(printed_by("tools/native", "headers"))
    folders = [f"-I{each}" for each in (*INCLUDED, headers, headers / "onnxruntime")]
    subprocess.run(["c++", "-std=c++17", "-fsyntax-only", *folders, PROGRAM / source], check=True)


def test_who_has_a_runner_and_no_apt_is_told_what_helps(tmp_path: Path) -> None:
    for command in ("bash", "dirname", "mkdir", "flock"):
        (tmp_path / command).symlink_to(shutil.which(command) or "")
    environment = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": "/"}
    told = subprocess.run(
        ["tools/native", "headers"],
        env={**environment, "EDGERANK_NATIVE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "set EDGERANK_NATIVE" not in told.stderr
    assert f"prints on a Debian to {tmp_path}/cache/edgerank/native/include-" in told.stderr


def test_each_source_is_tried() -> None:
    assert len(list(PROGRAM.glob("*.cpp"))) == 3
