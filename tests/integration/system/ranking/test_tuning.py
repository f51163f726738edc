"""The best setting of a backbone, searched on this machine."""

import json
from typing import Any

from tests.integration.system.conftest import BACKBONES, UNGATED, System
from tests.processes import edgerank

TUNE = ("tune", BACKBONES[0], "--device", "pc", "--weights", "synthetic", *UNGATED)
QUICK = (*TUNE, "--runtimes", "onnxruntime", "--threads", "1,2", "--rounds", "1")


def tuned(system: System, *options: str) -> dict[str, Any]:
    done = edgerank(*QUICK, *options, "--json", address=system.address)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_best_setting_is_found_and_not_measured_again(system: System) -> None:
    first = tuned(system)
    best = first["trials"][0]
    assert best["fate"] == "best"
    medians = [each["measurement"]["latency"]["median_ms"] for each in first["trials"]]
    assert best["measurement"]["latency"]["median_ms"] == min(medians)
    tried = {
        (each["setting"]["threads"], bool(each["setting"]["onnxruntime"]))
        for each in first["trials"]
    }
    assert tried == {(1, False), (2, False), (2, True)}
    again = tuned(system)

    def measured(found: dict[str, Any]) -> dict[str, str]:
        return {
            str(each["setting"]): each["measurement"]["job_id"]
            for each in found["trials"]
            if each["measurement"]["verdict"] in ("ok", "wide")
        }

    kept, now = measured(first), measured(again)
    assert all(now[name] == job for name, job in kept.items())


def test_beyond_the_limits_there_is_no_best(system: System) -> None:
    done = edgerank(*QUICK, "--max-memory", "1kB", "--json", address=system.address)
    assert done.returncode == 3
    assert {each["fate"] for each in json.loads(done.stdout)["trials"]} == {"beyond_limit"}


def test_what_cannot_be_tried_is_said(system: System) -> None:
    assert edgerank(*TUNE, "--threads", "200", address=system.address).returncode == 2
    unknown = ("tune", "MobileNetV9", "--device", "pc", "--threads", "1")
    assert edgerank(*unknown, address=system.address).returncode == 2
