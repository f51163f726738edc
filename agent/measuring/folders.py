"""Folders that a child needs for the time of its life."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from agent.measuring.supervision import MeasuringFailed
from protos.reasons import ReasonCode


@contextmanager
def folder_for(what: str) -> Iterator[str]:
    """A folder that is gone with whatever is in it afterwards, also where the child was killed.

    Args:
        what: comes into it, as in "a trace".

    Raises:
        MeasuringFailed: there is no room for it.
    """
    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            f"there is no room for {what}: {error}; make some, or set TMPDIR to where there is",
        ) from error
    with folder as path:
        yield path
