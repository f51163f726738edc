"""Own models with unusual inputs through the real commands: added, swept, shown."""

import csv
import json
from pathlib import Path

from onnx import TensorProto

from tests.integration.system.conftest import QUICK_SWEEP
from tests.own_networks import save_onnx, save_strange_paddle, strange_network
from tests.processes import edgerank, running_agent, running_controller


def test_models_of_other_images_are_added_measured_and_shown(tmp_path: Path) -> None:
    bytes_last = strange_network((1, 64, 64, 3), kind=TensorProto.UINT8, is_nhwc=True)
    onnx = save_onnx(bytes_last, tmp_path / "bytes.onnx")
    paddle = save_strange_paddle(tmp_path / "strange")
    with (
        running_controller(tmp_path / "controller") as (_controller, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        added = edgerank("models", "add", "Bytes", "--onnx", str(onnx), address=address)
        assert "64 px, uint8, NHWC" in added.stdout, added.stderr
        bring = ("models", "add", "Strange", "--paddle", str(paddle))
        wrong = edgerank(*bring, "--input", "factor=1", address=address)
        assert (wrong.returncode, "scale_factor (" in wrong.stderr) == (2, True)
        added = edgerank(*bring, "--input", "scale_factor=1,0.5", address=address)
        assert "48x192 px (height x width)" in added.stdout, added.stderr
        assert "uint8, NHWC, 1 channel, scale_factor=1,0.5, batch 4" in added.stdout
        models = json.loads(edgerank("models", "own", "--json", address=address).stdout)
        assert models[1]["takes"]["size"] == {"height": 48, "width": 192}

        swept = edgerank("sweep", "--models", "Bytes,Strange", *QUICK_SWEEP, address=address)
        assert swept.returncode == 0, swept.stdout
        ended = [each for each in swept.stdout.splitlines() if not each.startswith("so far")]
        assert sum(" an image" in line for line in ended) == 2
        shown = edgerank("results", "--backbone", "Strange", address=address).stdout
        assert shown.count("48x192 px, batch 4") == 2, shown
        path = tmp_path / "figures.csv"
        edgerank("export", str(path), address=address)
        with path.open() as file:
            rows = list(csv.DictReader(file))
    assert sorted((row["backbone"], row["runtime"]) for row in rows) == [
        ("Bytes", "onnxruntime"),
        ("Strange", "onnxruntime"),
        ("Strange", "paddlelite"),
    ]
    for row in rows:
        median, batch = float(row["latency_median_ms"]), int(row["batch"])
        one = row["latency_per_image_ms"]
        assert (one == "") if batch == 1 else float(one) * batch == median
