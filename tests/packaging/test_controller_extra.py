"""`pip install edgerank[controller]` serves, and says what it lacks for converting."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.packaging.conftest import install, run
from tests.processes import Output, Running


def test_a_controller_without_the_converters_serves_and_names_their_extra(
    wheel: Path, tmp_path: Path
) -> None:
    installed = install(wheel, "controller", tmp_path / "venv")
    assert not {name for name in installed.distributions() if name.startswith("paddle")}
    process = subprocess.Popen(
        [installed.edgerank, "controller", "--port", "0", "--state", tmp_path / "state"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    controller = Running(process, Output(process))
    try:
        address = controller.output.wait_for(r"listening on (127\.0\.0\.1:\d+)")[1]
        command = ("convert", "MobileNetV1", "--weights", "synthetic", "--controller", address)
        refused = run([installed.edgerank, *command], tmp_path)
        assert refused.returncode == 4
        assert "pip install '.[convert]'" in refused.stderr
        assert "Traceback" not in refused.stderr
    finally:
        assert controller.stop() == 0
