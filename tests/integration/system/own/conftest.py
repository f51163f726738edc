"""A controller that nothing half done is left at."""

from collections.abc import Iterator

import pytest

from tests.integration.system.conftest import System


@pytest.fixture
def address(system: System) -> Iterator[str]:
    yield system.address
    # Whatever a test tried, nothing of it is half there.
    uploads = system.state_dir / "controller" / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())
