"""What is made once a run of the tests, whichever of its processes first wants it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that all tests of a run share and none changes.

    Args:
        factory: of this process's temporary folders.
        name: what it is called; as much as who makes it.
        make: fills it, given the empty folder.
    """
    base = factory.getbasetemp()
    # Each process of pytest-xdist has a folder below that of the run.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    with FileLock(f"{place}.lock"):
        made = place / "made"
        if not made.exists():
            begun = place / "begun"
            # Of one who failed.
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir(parents=True)
            make(begun)
            begun.rename(made)
    return made
