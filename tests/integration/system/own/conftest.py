"""A controller that nothing half done is left at."""

from collections.abc import Iterator

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from tests.integration.system.conftest import System


@pytest.fixture
def address(system: System) -> Iterator[str]:
    yield system.address
    # Whatever a test tried, nothing of it is half there. A controller hears of the end of who sends
    # a moment after it.
    uploads = system.state_dir / "controller" / "uploads"
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.02), reraise=True):
        with attempt:
            assert not uploads.exists() or not list(uploads.iterdir())
