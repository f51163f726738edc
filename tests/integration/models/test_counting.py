"""Counting and listing with the real PaddleClas: the committed files are what it gives now."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.catalog.catalog import load_catalog
from models.catalog.stoppers import STOPPERS, Stopper
from models.processes.child import Cancellation, StepFailed
from tools.catalog import operators, unpublished
from tools.catalog.count import count
from tools.catalog.counting import counted


@pytest.mark.parametrize(
    "name",
    # A plain network, one with fused blocks, one with attention, one that lacks an address.
    ["PPLCNet_x0_25", "RepVGG_A0", "LeViT_128S", "MobileViTV2_x0_75"],
)
def test_a_committed_count_is_what_the_step_counts(name: str) -> None:
    backbone = load_catalog().get(name)
    counted = count(backbone.architecture, backbone.input_size.height, Cancellation())
    assert counted.params / 1e6 == backbone.counted_params_m
    assert counted.multiply_adds / 1e9 == backbone.counted_flops_g


def test_what_cannot_be_built_is_not_counted() -> None:
    with pytest.raises(StepFailed, match="named 'NoSuchNet'"):
        count("NoSuchNet", 224, Cancellation())


@pytest.mark.parametrize("stopper", STOPPERS, ids=lambda stopper: stopper.series)
def test_what_is_said_to_stop_a_series_still_does(stopper: Stopper) -> None:
    backbone = next(b for b in load_catalog() if b.series == stopper.series)
    with pytest.raises(StepFailed, match="NameError"):
        count(backbone.architecture, backbone.input_size.height, Cancellation())


def test_the_committed_list_is_what_the_command_writes(tmp_path: Path) -> None:
    output = tmp_path / "unpublished.csv"
    result = CliRunner().invoke(unpublished.main, ["--output", str(output)])
    assert result.exit_code == 0, result.output
    committed = resources.files("models").joinpath("data/unpublished.csv")
    assert output.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")


def test_the_committed_operators_are_those_of_the_converters_and_of_the_catalog() -> None:
    committed = resources.files("models").joinpath("data/paddle_operators.csv")
    header, *rows = csv.reader(committed.read_text(encoding="utf-8").splitlines())
    assert tuple(header) == operators.COLUMNS
    of_catalog = {name for name, _, _, traced in rows if traced}
    assert [tuple(row) for row in rows] == operators.converters_tables().rows(of_catalog)
    # An operator that no converter takes as it is, and one of the newest networks.
    for name in ("MobileViTV2_x0_5", "FasterNet_T0"):
        assert set(counted(name, 256).operators) <= of_catalog
    assert not {"save", "save_combine", "load", "py_func", "print", "check_numerics", "while"} & {
        name for name, *_ in rows
    }
