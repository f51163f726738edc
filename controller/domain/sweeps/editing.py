"""What of a running sweep may be changed."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SweepEdit:
    """How urgent a sweep is to be; what is None stays.

    Attributes:
        sweep_id: which one.
        priority: -10 to 10.
        deadline_unix_ms: ms since 1970 UTC.
        without_deadline: whether there is none any more.
    """

    sweep_id: str
    priority: int | None = None
    deadline_unix_ms: int | None = None
    without_deadline: bool = False
