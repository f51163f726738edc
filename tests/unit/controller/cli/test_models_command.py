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


def line_of(name: str, text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return " ".join(line.split())


def test_both_figures_are_shown_where_they_differ() -> None:
    text = run()
    # Published at 224 pixels, evaluated at 256.
    lines = [" ".join(line.split()) for line in text.splitlines()]
    published = lines.index("RegNetX_1600MF RegNet 76.70 93.29 9.23 1.62 256")
    assert lines[published + 1] == "(2.09)"
    # Published at the size it is evaluated at.
    assert line_of("ResNet50", text).split()[-3:] == ["25.61", "4.11", "224"]
    assert "in brackets: counted by us, where it differs by more than 5%" in " ".join(text.split())


def test_an_unknown_accuracy_is_said() -> None:
    text = run()
    assert line_of("TinyNet_E", text) == "TinyNet_E TinyNet - - (2.22) (0.03) 106"
    assert "no top-1: nobody published one, never ranked by accuracy" in " ".join(text.split())


def test_what_cannot_be_converted_is_marked_with_what_stops_it() -> None:
    text = run()
    assert line_of("SwinTransformerV2_tiny_patch4_window8_256", text).split()[1] == "x"
    assert " x " not in line_of("SwinTransformer_tiny_patch4_window7_224", text)
    words = " ".join(text.split())
    assert "x: no paddlelite or onnx file: paddleclas 2.6.0 stops the series SwinTransformerV2" in (
        words
    )


def test_a_tier_says_what_it_rejected_and_what_falls_between() -> None:
    text = run("--tier", "server")
    assert "RegNetX_4GF: 4 G multiply-adds are not above 4 G; one tier ends" in text
    assert "27 accuracy unknown:" in text
    assert "better one in its series:" in text


def test_as_json_a_tier_gives_every_rejection_its_reason() -> None:
    document = run_json("--tier", "mobile")
    assert document["tier"] == "mobile"
    assert len(document["chosen"]) + len(document["rejected"]) == 364
    by_name = {entry["backbone"]: entry for entry in document["rejected"]}
    assert by_name["ResNet50"] == {
        "backbone": "ResNet50",
        "kind": "multiply-adds",
        "reason": "4.11 G multiply-adds are not below 2 G",
        "between_tiers": False,
    }


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
