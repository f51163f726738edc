"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.processes.warm import start_from_here

# How long an example takes is the machine's affair; a stall is no defect of what is tested.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
start_from_here()


@pytest.fixture(autouse=True, scope="module")
def umask() -> Iterator[None]:
    """What a command that runs in the tests' own process sets is no other test's."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
