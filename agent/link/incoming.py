"""What an agent hears from its controller."""

from dataclasses import dataclass

from protos.fleet import (
    Cancel,
    CertificateDue,
    Lease,
    ReportCommitted,
    ReportRefused,
    Welcome,
)


@dataclass(frozen=True, kw_only=True)
class UnreadableLease:
    """A lease that this version of the agent cannot read; `detail` says why."""

    attempt_id: str
    job_id: str
    received_at_unix_ms: int
    detail: str


FromController = (
    Welcome | Lease | UnreadableLease | ReportCommitted | ReportRefused | Cancel | CertificateDue
)
