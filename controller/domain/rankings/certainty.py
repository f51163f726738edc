"""Which candidates may be the first, at a confidence that was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MayBeFirst:
    """A candidate that no other one is surely ahead of.

    Attributes:
        measurement_id: its measurement.
        low_ms: lower end of its median's interval at `Certainty.interval_confidence`; None where
            it was measured by one process, which tells nothing of others.
        high_ms: upper end of the same.
    """

    measurement_id: str
    low_ms: float | None = None
    high_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Certainty:
    """Who may be the first of all candidates together, at one confidence.

    Attributes:
        confidence: of the whole statement, a fraction.
        candidate_count: how many satisfy the constraints, whom it is about.
        interval_confidence: of each candidate's interval, so that all hold at once.
        may_be_first: whom no other one is surely ahead of, fastest first; a single one is surely
            the first.
    """

    confidence: float
    candidate_count: int
    interval_confidence: float
    may_be_first: tuple[MayBeFirst, ...]

    @property
    def is_sure(self) -> bool:
        """Whether one candidate is surely the first."""
        return len(self.may_be_first) == 1
