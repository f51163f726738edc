"""Reports as Markdown: inert names, whole tables, model cards that hubs read."""

import io
import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from controller.cli.sweeps.sweep import sweep
from controller.domain.rankings import Constraints
from controller.ranking.ranking import rank
from controller.views.report.card import model_card, reproducing_sweep
from controller.views.report.markdown import inert, markdown
from controller.views.report.parts import Heading, Part, Table
from controller.views.report.ranking import ranking_parts
from controller.views.sweeps.commands import sweep_command
from models.catalog.catalog import load_catalog
from models.catalog.variants import WeightsKind
from protos.runtimes import OnnxRuntimeOptions
from tests.unit.controller.samples.measurements import DEVICE, device, measurement, settings

HOSTILE = "<img src=x onerror=alert(1)> | `a` [b](http://c) **d** & \n# e"


@given(st.text(max_size=60))
def test_no_text_ends_its_line_its_cell_or_begins_a_tag(text: str) -> None:
    written = inert(text)
    assert "\n" not in written
    assert re.search(r"(?<!\\)(?:\\\\)*[|<>`*\[\]]", written) is None


def test_a_table_has_as_many_cells_in_each_row_whatever_is_in_them() -> None:
    table = Table((Heading("name"), Heading("ms", is_right=True)), ((HOSTILE, "1"), ("b", "2")))
    lines = markdown([Part(heading=HOSTILE, table=table, points=(HOSTILE,))]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [3] * 4
    assert rows[1] == "| :--- | ---: |"
    assert not any(line.startswith("# e") for line in lines)


def test_a_ranking_in_markdown_has_every_candidate() -> None:
    ranking = rank(
        DEVICE,
        [measurement("PPLCNet_x1_0", 3.0, top1=71.3), measurement("MobileNetV2", 6.0, top1=70.0)],
        Constraints(),
        load_catalog(),
    )
    written = markdown(ranking_parts(ranking, device()))
    assert written.startswith("# ")
    assert {"PPLCNet_x1_0", "MobileNetV2"} <= set(re.findall(r"^\| (\w+) \|", written, re.M))


def _front_matter(card: str) -> dict[str, Any]:
    _, matter, _ = card.split("---\n", maxsplit=2)
    loaded: dict[str, Any] = YAML(typ="safe").load(io.StringIO(matter))
    return loaded


def test_a_model_card_has_front_matter_with_the_accuracy_and_its_source() -> None:
    measured = measurement("PPLCNet_x1_0", 3.0, top1=71.32, accuracy_source="a: #document\n---")
    matter = _front_matter(model_card(measured, device(), load_catalog().get("PPLCNet_x1_0")))
    [result] = matter["model-index"][0]["results"]
    assert matter["pipeline_tag"] == "image-classification"
    assert result["metrics"][0]["value"] == 71.32
    assert result["source"]["name"] == "a: #document\n---"


def test_what_has_no_accuracy_claims_none() -> None:
    measured = measurement("Mine", 3.0, top1=None, weights=WeightsKind.OWN)
    matter = _front_matter(model_card(measured, device(), None))
    assert "model-index" not in matter
    assert "license" not in matter


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"threads": 2, "repetitions_wanted": 7},
        {"settings": settings(cores=(0, 2), onnxruntime=OnnxRuntimeOptions(spinning=False))},
        {"settings": settings(sustained_minutes=3), "repetitions_wanted": 1},
    ],
)
def test_the_cards_command_is_a_sweep_of_the_very_same(changes: dict[str, Any]) -> None:
    measured = measurement("PPLCNet_x1_0", 3.0, **changes)
    spec = reproducing_sweep(measured)
    command = sweep_command(spec, Constraints())
    context = sweep.make_context("sweep", shlex.split(command)[2:])
    assert command in model_card(measured, device(), None)
    assert (spec.backbones, spec.devices) == (("PPLCNet_x1_0",), (DEVICE,))
    assert context.params["threads"] == (measured.threads,)
