"""The rules of jobs and leases, without a clock, a database or a wire.

A job waits for its artifact, is queued, is leased to the device that it is pinned to, and ends. A
lease lives as long as its agent's heartbeats name it; when they stop, the attempt is lost and the
job queued again, until MAX_ATTEMPTS are lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HEARTBEAT_INTERVAL_MS = 2_000
LEASE_MS = 15_000


@dataclass
class LeaseBook:
    """Until when each leased attempt lives, in ms of a clock that never goes back."""

    expires_at_ms: dict[str, int] = field(default_factory=dict)

    def grant(self, attempt_id: str, now_ms: int) -> None:
        """Starts or renews a lease."""
        self.expires_at_ms[attempt_id] = now_ms + LEASE_MS

    def grant_missing(self, attempt_id: str, now_ms: int) -> None:
        """Starts a lease where there is none."""
        if attempt_id not in self.expires_at_ms:
            self.grant(attempt_id, now_ms)

    def renew(self, attempt_ids: tuple[str, ...], now_ms: int) -> None:
        """Renews the leases among `attempt_ids`; an attempt that is not leased stays so."""
        for attempt_id in attempt_ids:
            if attempt_id in self.expires_at_ms:
                self.grant(attempt_id, now_ms)

    def end(self, attempt_id: str) -> None:
        """Forgets a lease."""
        self.expires_at_ms.pop(attempt_id, None)

    def expired(self, now_ms: int) -> tuple[str, ...]:
        """The attempts whose time is over, oldest lease first."""
        over: Mapping[str, int] = {
            attempt_id: at for attempt_id, at in self.expires_at_ms.items() if at <= now_ms
        }
        return tuple(sorted(over, key=lambda attempt_id: (over[attempt_id], attempt_id)))
