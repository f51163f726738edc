"""What a benchmark holds the runner's loop against a bare one with still fits the runner's sources.

Nothing is linked, which would take a minute of a processor.
"""

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


def test_each_source_is_tried() -> None:
    assert len(list(PROGRAM.glob("*.cpp"))) == 3
