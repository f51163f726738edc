"""`edgerank models`: the catalog for a person and for a program."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from controller.cli.models import models


def run(*arguments: str) -> str:
    # rich reads the width from the environment where there is no terminal.
    result = CliRunner().invoke(models, arguments, env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def line_of(name: str, text: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return line.split()


def test_every_backbone_is_listed_with_its_figures() -> None:
    assert line_of("ResNet50", run())[-3:] == ["25.61", "4.11", "224"]
    assert line_of("TinyNet_E", run())[2:4] == ["-", "-"]


def test_a_tier_is_shown_with_what_it_rejected() -> None:
    text = run("--tier", "server")
    assert "27 accuracy unknown:" in text
    assert line_of("RegNetX_4GF:", text)[1] == "4"


def test_as_json_a_tier_gives_every_rejection_its_reason() -> None:
    document = run_json("--tier", "mobile")
    assert document["tier"] == "mobile"
    assert len(document["chosen"]) + len(document["rejected"]) == 364
    rejected = next(each for each in document["rejected"] if each["backbone"] == "ResNet50")
    reason = rejected.pop("reason")
    assert rejected == {
        "backbone": "ResNet50",
        "kind": "multiply-adds",
        "between_tiers": False,
    }
    assert reason.startswith("4.11 G")
    assert reason.endswith(" 2 G")


def test_without_a_tier_the_document_is_the_whole_catalog() -> None:
    document = run_json()
    assert len(document) == 364
    assert document[0]["counted_params_m"] > 14


def test_distilled_weights_and_extra_data_can_be_left_out() -> None:
    everything = run_json()
    undistilled = run_json("--no-distilled")
    plain = run_json("--no-distilled", "--no-extra-data")
    assert len(everything) > len(undistilled) > len(plain)
    assert not any(entry["distilled"] for entry in undistilled)
    assert not any(entry["distilled"] or entry["extra_data"] for entry in plain)
    without = run_json("--tier", "mobile", "--no-distilled")
    assert not any(entry["distilled"] for entry in without["chosen"])


def test_a_filter_lets_the_next_best_of_a_series_win() -> None:
    best = {b["name"] for b in run_json("--tier", "desktop")["chosen"]}
    undistilled = {b["name"] for b in run_json("--tier", "desktop", "--no-distilled")["chosen"]}
    assert "ResNet34_vd_ssld" in best - undistilled
    assert "ResNet34_vd" in undistilled - best
