"""Here it is the processes themselves that are tested."""

from collections.abc import Iterator

import pytest

from tests.processes.tools import started_by_command


@pytest.fixture(scope="package", autouse=True)
def _started_by_their_commands() -> Iterator[None]:
    with started_by_command():
        yield
