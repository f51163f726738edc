"""Controllers that answer over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Running, running_controller

WEB_ADDRESS = r"web pages and query API at (https?://\S+)"


def web_of(controller: Running) -> str:
    """Where a controller answers over HTTP: its URL, which ends with a slash."""
    return controller.output.wait_for(WEB_ADDRESS)[1]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a controller on loopback that knows of nothing."""
    with running_controller(tmp_path_factory.mktemp("state")) as (controller, _address):
        yield web_of(controller)


@pytest.fixture(scope="module")
def asking(web: str) -> Iterator[httpx.Client]:
    """Who asks it."""
    with httpx.Client(base_url=web, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder for a controller of the test's own."""
    return tmp_path / "state"
