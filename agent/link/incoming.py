"""What an agent hears from its controller."""

from dataclasses import dataclass

from protos.fleet import (
    Cancel,
    CertificateDue,
    InLine,
    Lease,
    ReportCommitted,
    ReportRefused,
    SlowDown,
    Welcome,
)


@dataclass(frozen=True, kw_only=True)
class UnreadableLease:
    """A lease that this version of the agent cannot read; `detail` says why."""

    attempt_id: str
    job_id: str
    received_at_unix_ms: int
    detail: str


OfTheLine = InLine | SlowDown | CertificateDue
"""What is about the connection, and about no attempt."""

FromController = (
    Welcome | OfTheLine | Lease | UnreadableLease | ReportCommitted | ReportRefused | Cancel
)
