"""What is not the network any more when it is measured has no figures, and says what is wrong."""

import csv
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.integration.system.conftest import QUICK_SWEEP
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running_agent, running_controller


def other_weights(model: onnx.ModelProto) -> None:
    """Every weight is half as large again."""
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(weights * np.float32(1.5), tensor.name))


def no_numbers(model: onnx.ModelProto) -> None:
    """The scores are logarithms of what is below 0."""
    _end_with(model, [("Exp", 1), ("Neg", 1), ("Log", 1)])


def always_the_same(model: onnx.ModelProto) -> None:
    """The scores are taken away from themselves."""
    _end_with(model, [("Sub", 2)])


def _end_with(model: onnx.ModelProto, operators: list[tuple[str, int]]) -> None:
    name = model.graph.output[0].name
    (last,) = (node for node in model.graph.node if name in node.output)
    last.output[0] = before = "scores.0"
    for place, (operator, input_count) in enumerate(operators, start=1):
        after = name if place == len(operators) else f"scores.{place}"
        model.graph.node.append(helper.make_node(operator, [before] * input_count, [after]))
        before = after


ALTERATIONS: Mapping[str, Callable[[onnx.ModelProto], None]] = {
    "OtherWeights": other_weights,
    "NoNumbers": no_numbers,
    "AlwaysTheSame": always_the_same,
}
RIGHT = "AsItWas"


def alter(state: Path, name: str) -> None:
    """Put another file in the place of an artifact, whole and under its own digest."""
    with closing(sqlite3.connect(state / "controller.sqlite")) as database:
        (sha256,) = database.execute(
            "SELECT sha256 FROM artifacts WHERE backbone = ?", (name,)
        ).fetchone()
        model = onnx.load(state / "artifacts" / sha256[:2] / sha256)
        ALTERATIONS[name](model)
        content = model.SerializeToString()
        altered = hashlib.sha256(content).hexdigest()
        (state / "artifacts" / altered[:2]).mkdir(exist_ok=True)
        (state / "artifacts" / altered[:2] / altered).write_bytes(content)
        database.execute(
            "UPDATE artifacts SET sha256 = ?, size_bytes = ? WHERE backbone = ?",
            (altered, len(content), name),
        )
        database.commit()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """A controller's address, and the measurements of four models, three of which were altered."""
    folder = tmp_path_factory.mktemp("wrong")
    file = save_onnx(onnx_network(FIXED_SHAPE), folder / "petals.onnx")
    names = (RIGHT, *ALTERATIONS)
    with (
        running_controller(folder / "controller") as (_controller, address),
        running_agent(address, "pc", folder / "agent"),
    ):
        for name in names:
            added = edgerank("models", "add", name, "--onnx", str(file), address=address)
            assert added.returncode == 0, added.stderr
        converted = edgerank("convert", *names, address=address)
        assert converted.returncode == 0, converted.stdout
        for name in ALTERATIONS:
            alter(folder / "controller", name)
        chosen = ("--models", ",".join(names), "--runtimes", "onnxruntime")
        edgerank("sweep", *chosen, *QUICK_SWEEP, address=address)
        exported = folder / "all.json"
        assert edgerank("export", str(exported), address=address).returncode == 0
        figures = json.loads(exported.read_text())
        assert sorted(each["backbone"] for each in figures) == sorted(names)
        yield address, {each["backbone"]: each for each in figures}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("OtherWeights", "output_beyond_tolerance"),
        ("NoNumbers", "output_not_finite"),
        ("AlwaysTheSame", "output_constant"),
    ],
)
def test_what_was_altered_has_failed_by_name(
    measured: tuple[str, dict[str, Any]], name: str, why: str
) -> None:
    address, figures = measured
    found = figures[name]
    assert (found["verdict"], found["latency"], found["outputs"]) == ("failed", None, None)
    codes = [each["code"] for each in found["reasons"]]
    assert codes[0] == "wrong_output"
    assert why in codes
    # Its samples are kept, with what was found of it.
    assert all(each["output_check"]["input_count"] == 4 for each in found["repetitions"])
    shown = " ".join(edgerank("results", address=address).stdout.split())
    assert f"{name} on pc: wrong_output: on 4 reference inputs the device computed" in shown


def test_what_was_not_has_figures_with_its_difference(
    measured: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    address, figures = measured
    found = figures[RIGHT]
    assert found["verdict"] != "failed"
    assert found["outputs"]["repetition_count"] == found["latency"]["repetition_count"]
    assert 0 <= found["outputs"]["max_relative_difference"] <= found["output_tolerance"] < 2e-4
    assert found["outputs"]["top1_agreement"] == 1.0
    assert edgerank("export", str(tmp_path / "all.csv"), address=address).returncode == 0
    with (tmp_path / "all.csv").open(newline="") as rows:
        cells = {row["backbone"]: row for row in csv.DictReader(rows)}
    told = float(cells[RIGHT]["outputs_max_relative_difference"])
    assert told == found["outputs"]["max_relative_difference"]
    assert cells["NoNumbers"]["outputs_max_relative_difference"] == ""
