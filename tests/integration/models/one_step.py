"""One step of a conversion alone, in its child."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from models.processes.child import Cancellation, StepLimits, run_step
from models.processes.requests import FileAnswer, RewriteAnswer


def step(name: str, request: object, workdir: Path, *, readable: Iterable[Path] = ()) -> None:
    """Runs it in a folder; it reads that and `readable`."""
    answer = RewriteAnswer if name == "rewrite_program" else FileAnswer
    limits, cancellation = StepLimits(), Cancellation()
    run_step(
        name,
        request,
        answer,
        workdir=workdir,
        limits=limits,
        cancellation=cancellation,
        readable=readable,
    )
