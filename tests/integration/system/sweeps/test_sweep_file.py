"""A plan, a sweep and its figures by a file, against a real controller and a real agent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import BACKBONES, System
from tests.processes import edgerank

# A size of its own, so that these stand beside no figure of other tests.
FILE = f"""\
models: [{BACKBONES[0]}, {BACKBONES[1]}]
devices: site=here
runtimes: onnxruntime
input-size: 64
weights: synthetic
repetitions: 2
precision: 20%
time-budget: 300ms
sentinel: false
max-temperature: none
max-load: none
min-battery: none
name: by-file
priority: 2
deadline: 2036-11-27T06:00
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "nightly.yaml"
    path.write_text(FILE)
    return str(path)


def asked(system: System, *arguments: str) -> Any:
    done = edgerank(*arguments, "--json", address=system.address)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_file_is_planned_swept_and_not_measured_again(system: System, file: str) -> None:
    plan = asked(system, "plan", file)
    assert (plan["jobs_total"], plan["jobs_measured_before"]) == (2, 0)
    assert [job["backbone"] for job in plan["jobs"]] == list(BACKBONES)
    (group,) = plan["groups"]
    assert (group["device"], group["runtime"], group["jobs_total"]) == ("pc", "onnxruntime", 2)
    assert group["input_size"] == {"height": 64, "width": 64}
    (estimate,) = plan["estimates"]
    assert (estimate["device"], estimate["jobs"]) == ("pc", 2)
    assert not [each for each in asked(system, "sweeps") if each["name"] == "by-file"]

    swept = asked(system, "sweep", file)
    (listed,) = [each for each in asked(system, "sweeps") if each["name"] == "by-file"]
    assert (listed["priority"], listed["deadline_unix_ms"]) == (2, 2_111_378_400_000)
    # On a busy machine a figure may be one that nothing relies on.
    relied_on = [job for job in swept["ended"] if job["verdict"] in ("ok", "wide")]

    then = asked(system, "plan", file)
    assert then["artifacts_total"] == then["artifacts_stored"] == 2 - len(relied_on)
    before = {job["backbone"] for job in then["jobs"] if job["measurement_id"]}
    assert before == {job["backbone"] for job in relied_on}
    assert asked(system, "plan", file, "--fresh")["jobs_measured_before"] == 0

    again = asked(system, "sweep", file)
    assert len(again["ended"]) == 2 - len(relied_on)
    figures = asked(system, "results", "--sweep", again["sweep_id"])
    assert {each["backbone"] for each in figures} == set(BACKBONES)
    reused = {each["backbone"] for each in figures if each["sweep_id"] == swept["sweep_id"]}
    assert reused == before


def test_a_plan_is_a_page_and_a_mistake_is_told_where_it_stands(
    system: System, file: str, tmp_path: Path
) -> None:
    done = edgerank("plan", file, "--threads", "1", address=system.address)
    assert done.returncode == 0, done.stderr
    assert "pc" in done.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(FILE.replace(BACKBONES[0], "PPLCNet_x0_26"))
    told = edgerank("plan", str(wrong), address=system.address)
    assert told.returncode == 2
    assert f"{wrong}:1:10: models: " in told.stderr
    assert BACKBONES[0] in told.stderr


def test_a_label_that_no_device_has_is_refused_with_those_there_are(
    system: System, file: str
) -> None:
    done = edgerank("plan", file, "--devices", "site=there", address=system.address)
    assert done.returncode == 2
    assert "site=here" in done.stderr
