"""Cores and runtime options go from the command line to the child and come back with the figure."""

import csv
import json
import os
import shutil
from pathlib import Path

from tests.integration.system.conftest import QUICK_SWEEP
from tests.processes import edgerank, running_agent, running_controller

A_CORE = str(min(os.sched_getaffinity(0)))
ASKED = ("--cores", A_CORE, "--flush-denormals", "--no-spinning", "--graph-optimization", "basic")
WORDS = f"core {A_CORE}, denormals flushed"


def test_settings_are_asked_for_measured_with_stored_and_shown(
    converted: Path, tmp_path: Path
) -> None:
    shutil.copytree(converted, tmp_path / "controller")
    with (
        running_controller(tmp_path / "controller") as (_, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        command = ("sweep", "--models", "PPLCNet_x0_25", *QUICK_SWEEP, *ASKED)
        swept = edgerank(*command, address=address)
        assert swept.returncode == 0, swept.stderr
        edgerank("export", str(tmp_path / "all.json"), address=address)
        edgerank("export", str(tmp_path / "all.csv"), address=address)
        shown = edgerank("best", "--device", "pc", address=address).stdout
        devices = json.loads(edgerank("devices", "--json", address=address).stdout)
    measured = {each["runtime"]: each for each in json.loads((tmp_path / "all.json").read_text())}
    for each in measured.values():
        assert each["affinity"] == each["settings"]["cores"] == [int(A_CORE)]
        assert each["settings"]["flush_denormals"] is True
    assert measured["paddlelite"]["settings"]["onnxruntime"] is None
    assert measured["onnxruntime"]["settings"]["onnxruntime"] == {
        "execution_provider": "CPUExecutionProvider",
        "graph_optimization": "basic",
        "spinning": False,
        "arena": True,
    }
    with (tmp_path / "all.csv").open(newline="") as rows:
        flat = {row["runtime"]: row for row in csv.DictReader(rows)}
    assert flat["onnxruntime"]["onnxruntime_graph_optimization"] == "basic"
    assert flat["onnxruntime"]["onnxruntime_spinning"] == "false"
    assert flat["paddlelite"]["onnxruntime_spinning"] == ""
    assert {row["cores"] for row in flat.values()} == {A_CORE}
    told = " ".join(shown.split())
    assert f"onnxruntime, 1 thread, {WORDS}, basic graph optimization, no spinning" in told
    assert f"paddlelite, 1 thread, {WORDS}" in told
    (profile,) = (each["profile"] for each in devices)
    runtimes = {each["runtime"]: each for each in profile["runtimes"]}
    assert all(each["build"] for each in runtimes.values())
    assert runtimes["onnxruntime"]["execution_providers"] == ["CPUExecutionProvider"]
