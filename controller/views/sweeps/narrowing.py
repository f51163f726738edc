"""Which figures of jobs that go on to be measured are worth a line."""

from collections.abc import Iterable, Iterator
from typing import Final

from controller.domain.jobs import JobOutcome
from protos.reasons import ReasonCode

NARROWER: Final = 2 / 3
"""An interval is told again when it is at most so wide as when it was told last."""


class Narrowing:
    """Remembers how wide the interval of each job was when it was told."""

    def __init__(self) -> None:
        self._told_ms: dict[str, float] = {}

    def told_anew(self, underway: Iterable[JobOutcome]) -> Iterator[JobOutcome]:
        """Give those with a first figure, or with one that has become clearly narrower.

        Sentinels are read to tell a device that drifts, and nobody asked for their figures.
        """
        for outcome in underway:
            if outcome.low_ms is None or outcome.high_ms is None or outcome.is_sentinel:
                continue
            width_ms = outcome.high_ms - outcome.low_ms
            told_ms = self._told_ms.get(outcome.job_id)
            if told_ms is None or width_ms <= NARROWER * told_ms:
                self._told_ms[outcome.job_id] = width_ms
                yield outcome


def is_underway(outcome: JobOutcome) -> bool:
    """Whether the job goes on, so that its figure is one so far."""
    return any(reason.code is ReasonCode.STILL_MEASURED for reason in outcome.reasons)
