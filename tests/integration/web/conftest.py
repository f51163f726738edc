"""A controller that answers over HTTP, with figures of a phone and a board."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.processes import Running, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

WEB_ADDRESS = r"web pages and query API at (https?://\S+)"


@dataclass(frozen=True)
class Lab:
    """A controller on loopback with figures.

    Attributes:
        address: where gRPC is spoken, HOST:PORT.
        web: its URL, which ends with a slash.
    """

    address: str
    web: str


def web_of(controller: Running) -> str:
    """Where a controller answers over HTTP: its URL, which ends with a slash."""
    return controller.output.wait_for(WEB_ADDRESS)[1]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    state_dir: Path = tmp_path_factory.mktemp("lab")
    database = begun_database(state_dir)
    record_sweep(database, 1.0, 1.01, backbones=("MobileNetV1", "MobileNetV2"))
    record_sweep(database, 3.0, 3.02, backbones=("MobileNetV1",), device="board")
    database.close()
    with running_controller(state_dir) as (controller, address):
        yield Lab(address, web_of(controller))


@pytest.fixture(scope="package")
def web(lab: Lab) -> str:
    """Its URL."""
    return lab.web


@pytest.fixture(scope="package")
def asking(web: str) -> Iterator[httpx.Client]:
    """Who asks it."""
    with httpx.Client(base_url=web, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder for a controller of the test's own."""
    return tmp_path / "state"
