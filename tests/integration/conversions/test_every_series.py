"""The cheapest backbone of every series converts for both runtimes, unless something stops it."""

import json
import subprocess
from pathlib import Path

import pytest

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.stoppers import STOPPERS
from tests.processes import EDGERANK, running_controller

# About five minutes on two cores that have nothing else to do.
TIMEOUT_S = 1_800


def cheapest_of_each_series() -> list[Backbone]:
    """The backbone of each series with the fewest multiply-adds, where they are known."""
    cheapest: dict[str, Backbone] = {}
    for backbone in load_catalog():
        known = cheapest.setdefault(backbone.series, backbone)
        if _flops_g(backbone) < _flops_g(known):
            cheapest[backbone.series] = backbone
    return list(cheapest.values())


def _flops_g(backbone: Backbone) -> float:
    return backbone.counted_flops_g or backbone.flops_g or 0.0


@pytest.mark.timeout(TIMEOUT_S)
def test_every_series_has_checked_files_for_both_runtimes(tmp_path: Path) -> None:
    chosen = cheapest_of_each_series()
    names = [backbone.name for backbone in chosen]
    command = ("convert", *names, "--weights", "synthetic", "--json")
    with running_controller(tmp_path) as (_controller, address):
        done = subprocess.run(
            [*EDGERANK, *command, "--controller", address],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    outcomes = json.loads(done.stdout)
    assert len(outcomes) == 3 * len(names)
    stopped = {
        (backbone.name, format_.value)
        for backbone in chosen
        for stopper in STOPPERS
        if stopper.series == backbone.series
        for format_ in stopper.formats
    }
    missing = {(o["backbone"], o["format"]) for o in outcomes if o["result"] != "stored"}
    assert missing == stopped, done.stderr
