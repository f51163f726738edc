"""One controller and one agent, real processes, with two backbones converted and measured."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Running, edgerank, running_agent, running_controller
from tests.processes.sharing import made_once

BACKBONES = ("PPLCNet_x0_25", "MobileNetV3_small_x1_0")
SENTINEL = "MobileNetV1_x0_25"
# Fast rather than precise: these tests are about the way of a figure, not about the figure.
# Beside other tests no machine is at rest, so nothing waits for that.
UNGATED = ("--max-temperature", "none", "--max-load", "none", "--min-battery", "none")
QUICK = ("--weights", "synthetic", "--repetitions", "2", "--precision", "20%", *UNGATED)
QUICK_SWEEP = (*QUICK, "--time-budget", "300ms", "--no-sentinel")


@dataclass(frozen=True)
class System:
    """A running fleet.

    Attributes:
        metrics: the address of the controller's metrics.
    """

    controller: Running
    agent: Running
    address: str
    state_dir: Path
    metrics: str


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A controller's state to copy, which has the files of the backbones and of the sentinel."""
    return made_once(tmp_path_factory, "converted", _convert)


def _convert(state: Path) -> None:
    with running_controller(state) as (_controller, address):
        wanted = (*BACKBONES, SENTINEL, "--weights", "synthetic")
        done = edgerank("convert", *wanted, address=address)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def system(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state_dir = tmp_path_factory.mktemp("system")
    shutil.copytree(converted, state_dir / "controller")
    with (
        running_controller(state_dir / "controller", 0, "--metrics", "0") as (controller, address),
        running_agent(address, "pc", state_dir / "agent", "--label", "site=here") as agent,
    ):
        metrics = controller.output.wait_for(r"^metrics at (http://127\.0\.0\.1:\d+/metrics)$")[1]
        yield System(controller, agent, address, state_dir, metrics)


@pytest.fixture(scope="session")
def swept(system: System) -> dict[str, Any]:
    """The result of the session's one sweep, sentinel included, as `--json` prints it."""
    models = ("--models", ",".join(BACKBONES), "--devices", "pc")
    command = ("sweep", *models, *QUICK, "--time-budget", "300ms", "--json")
    done = edgerank(*command, address=system.address)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
