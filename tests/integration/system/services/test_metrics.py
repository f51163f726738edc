"""The metrics of a controller at work, and the dashboard that shows them."""

import json
import re
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.system.conftest import BACKBONES, System
from tests.pages import ROOT
from tests.processes import edgerank

DASHBOARD = ROOT / "docs/operations/grafana-dashboard.json"


@pytest.fixture
def scraped(system: System, swept: dict[str, Any]) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Every sample by its name, after a sweep, a conversion and a call that failed."""
    assert swept["ended"]
    small = ("convert", BACKBONES[0], "--input-size", "32", "--weights", "synthetic")
    assert edgerank(*small, address=system.address).returncode == 0
    assert edgerank("devices", "rename", "nobody", "any", address=system.address).returncode == 2
    with urlopen(system.metrics, timeout=30) as answer:
        text = answer.read().decode()
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def test_a_scrape_tells_what_happened(
    scraped: dict[str, list[tuple[dict[str, str], float]]], swept: dict[str, Any]
) -> None:
    assert scraped["edgerank_devices_connected"] == [({}, 1)]
    [(_, committed)] = scraped["edgerank_reports_committed_total"]
    # Each job has two repetitions.
    assert committed >= 2 * len(swept["ended"])
    [(_, acknowledged)] = scraped["edgerank_report_commit_seconds_count"]
    assert acknowledged >= committed
    [(_, converted)] = scraped["edgerank_conversion_seconds_count"]
    assert converted > 0
    ended = {
        (labels["method"].rpartition("/")[2], labels["status"])
        for labels, _count in scraped["edgerank_rpcs_total"]
    }
    assert {("WatchSweep", "OK"), ("RenameDevice", "NOT_FOUND")} <= ended
    open_calls = {
        labels["method"].rpartition("/")[2]: count
        for labels, count in scraped["edgerank_rpcs_open"]
    }
    assert open_calls["Connect"] == 1
    states = {labels["state"] for labels, _count in scraped["edgerank_jobs_open"]}
    assert states == {"waiting", "queued", "leased"}


def test_every_metric_of_the_dashboard_is_there(
    scraped: dict[str, list[tuple[dict[str, str], float]]],
) -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {
        name
        for query in asked
        for name in re.findall(r"\b(?:edgerank|process|python)_[a-z_]+", query)
    }
    assert len(named) > 10
    assert named - set(scraped) == set()
    # And each of ours is shown.
    of_one = re.compile("_(bucket|sum|count)$")
    ours = {of_one.sub("", name) for name in scraped if name.startswith("edgerank_")}
    shown = {of_one.sub("", name) for name in named}
    made_with_them = {name for name in ours if name.endswith("_created")}
    assert ours - shown - made_with_them == {"edgerank_build_info"}
