"""What a sweep decides that measures only as far as its answer needs."""

from dataclasses import dataclass
from typing import Final

DEFAULT_CONFIDENCE: Final = 0.95
MIN_CONFIDENCE: Final = 0.5
MAX_CONFIDENCE: Final = 0.9999


@dataclass(frozen=True, kw_only=True)
class Race:
    """A question that a sweep is measured for.

    Attributes:
        max_latency_ms: the most accurate within this median latency is looked for, ms; None decides
            the whole front of top-1 and latency.
        confidence: that nobody leaves the race wrongly; 0.95 is 95 %.
    """

    max_latency_ms: float | None = None
    confidence: float = DEFAULT_CONFIDENCE
