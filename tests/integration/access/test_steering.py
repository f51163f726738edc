"""Whose sweep it is and who paused it is told, and only who may operate does that."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.client import QueryClient
from controller.domain.sweeps import SweepSpec
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.faults.schedules import BACKBONES
from tests.faults.template import DEVICES, make_template
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.processes import edgerank

SPEC = SweepSpec(
    backbones=BACKBONES[:1],
    devices=DEVICES[:1],
    runtimes=(Runtime.ONNXRUNTIME,),
    threads=(1,),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=1,
    most_repetitions=1,
    relative_half_width=0.5,
    time_budget_ms=300,
)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Guarded]:
    """A controller that knows devices, and has what a sweep of them needs."""
    template = make_template(tmp_path / "template")
    shutil.copytree(template.folder, tmp_path / "controller")
    with guarded_controller(tmp_path) as started:
        yield started


def _log_in(fleet: Guarded, name: str, scope: str) -> None:
    path = fleet.folder / f"{name}.access"
    path.write_text(fleet.access(name, "--scope", scope))
    done = edgerank("login", fleet.address, "--token", f"@{path}")
    assert done.returncode == 0, done.stderr


def _listed(fleet: Guarded) -> dict[str, Any]:
    (only,) = json.loads(fleet.command("sweeps", "--json"))
    assert isinstance(only, dict)
    return only


def test_it_is_told_who_started_and_who_paused_a_sweep_and_the_log_has_both(
    fleet: Guarded,
) -> None:
    _log_in(fleet, "ann", "operate")
    with QueryClient(fleet.address) as client:
        sweep_id = client.start_sweep(SPEC).sweep_id
    _log_in(fleet, "eve", "read")
    for command in (("pause",), ("resume",), ("retry",), ("edit", "--priority", "3")):
        assert edgerank(*command, sweep_id, address=fleet.address).returncode == 4
    assert (_listed(fleet)["started_by"], _listed(fleet)["paused"]) == ("ann", None)
    _log_in(fleet, "bob", "operate")
    assert "by bob" in edgerank("pause", sweep_id[:6], address=fleet.address).stdout
    assert _listed(fleet)["paused"]["by"] == "bob"
    assert edgerank("edit", sweep_id, "--priority", "3", address=fleet.address).returncode == 0
    assert edgerank("resume", sweep_id, address=fleet.address).returncode == 0
    noted = {
        (each["action"], each["caller_name"], each["subject"])
        for each in json.loads(fleet.command("audit", "--json"))
    }
    assert noted >= {
        ("StartSweep", "ann", sweep_id),
        # The whole id, however it was written.
        ("PauseSweep", "bob", sweep_id),
        ("EditSweep", "bob", sweep_id),
        ("ResumeSweep", "bob", sweep_id),
        ("PauseSweep", "eve", ""),
    }
