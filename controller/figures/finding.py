"""How detectors go through a job's repetitions."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from protos.measuring import Repetition
from protos.reasons import Reason


def first_found(
    repetitions: Sequence[Repetition], detectors: Sequence[Callable[[Repetition], Reason | None]]
) -> Reason | None:
    """Return the first thing that a detector finds, with the repetition that it is in, from 1."""
    for ordinal, repetition in enumerate(repetitions, start=1):
        found = next(filter(None, (detect(repetition) for detect in detectors)), None)
        if found:
            place = {"repetition": ordinal, "repetitions": len(repetitions)}
            return replace(found, figures={**found.figures, **place})
    return None
