"""What an architecture's program does, counted in a child process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from models.processes.child import Cancellation, StepLimits, run_step
from models.processes.counting_requests import CountAnswer, CountRequest


def counted(architecture: str, input_size: int) -> CountAnswer:
    """Count one architecture at one input size, pixels.

    Raises:
        StepFailed: it cannot be built or counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        return run_step(
            "count",
            CountRequest(architecture, input_size),
            CountAnswer,
            workdir=Path(folder),
            limits=StepLimits(),
            cancellation=Cancellation(),
        )
