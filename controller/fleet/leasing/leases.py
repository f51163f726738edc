"""The rules of jobs and leases, without a clock, a database or a wire.

A job waits for its artifact, is queued, is leased to the device that it is pinned to, and ends. A
lease lives as long as its agent's heartbeats name it; when they stop, the attempt is lost and the
job queued again, until MAX_ATTEMPTS are lost.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from protos.fleet import Lease

HEARTBEAT_INTERVAL_MS = 5_000
LEASE_MS = 30_000
MOST_BEATS_A_S: Final = 500
"""Of the fleet: the usual pace up to 2,500 agents, 20 s between two beats of each of 10,000."""
SLOWEST_INTERVAL_MS: Final = 60_000
"""However large the fleet: who beats more rarely is not told from who is gone."""
DIALS_A_S: Final = 200
"""What a controller on two cores welcomes beside its other work, TLS included."""
LONGEST_SPREAD_MS: Final = 120_000


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a fleet beats.

    Attributes:
        heartbeat_interval_ms: how often an agent gives a sign of life, ms.
        lease_ms: how long a lease lives without one, ms.
        redial_spread_ms: over how long agents spread their dials once their streams broke, ms.
    """

    heartbeat_interval_ms: int = HEARTBEAT_INTERVAL_MS
    lease_ms: int = LEASE_MS
    redial_spread_ms: int = 0

    def for_fleet(self, agents: int) -> Pace:
        """A pace at which so many agents give no more than MOST_BEATS_A_S signs of life a second.

        As far as SLOWEST_INTERVAL_MS allows. It is never faster than this one: whoever was told to
        beat more slowly goes on so, and its lease has to live as long. A lease outlives as many
        missed beats at every pace, and the time over which streams that broke are dialled again.
        """
        spread_ms = min(agents * 1_000 // DIALS_A_S, LONGEST_SPREAD_MS)
        spread_ms = max(spread_ms, self.redial_spread_ms)
        before_ms = self.heartbeat_interval_ms
        interval_ms = min(math.ceil(agents * 1_000 / MOST_BEATS_A_S), SLOWEST_INTERVAL_MS)
        if interval_ms <= before_ms:
            return replace(self, redial_spread_ms=spread_ms)
        # In few steps: each lets a lease live as many beats as before, rounded down.
        interval_ms = max(interval_ms, min(before_ms * _STEP // 10, SLOWEST_INTERVAL_MS))
        return Pace(
            heartbeat_interval_ms=interval_ms,
            lease_ms=self.lease_ms * interval_ms // before_ms,
            redial_spread_ms=spread_ms,
        )

    def is_slower(self, than: Pace) -> bool:
        """Whether it is so much slower that who keeps the other one is to be told."""
        return (
            self.heartbeat_interval_ms >= _TOLD_ANEW * than.heartbeat_interval_ms
            or self.redial_spread_ms >= _TOLD_ANEW * than.redial_spread_ms + _TOLD_ANEW_MS
        )


USUAL: Final = Pace()

_STEP: Final = 11
"""Tenths of the interval before."""
_TOLD_ANEW: Final = 1.25
_TOLD_ANEW_MS: Final = 500

# An agent stops a child two minutes after it should have ended, and starts one for the baseline.
_STARTS_MS: Final = 2 * 120_000
_AGENTS_SUSTAINED_MINUTE_MS: Final = 60_000
# Until it has killed a child, written the report and told it.
_TELLING_MS: Final = 60_000
# Where a job has been measured before: so many times as long, and a while for a machine that swaps.
_LIKE_BEFORE: Final = 5
_BEYOND_BEFORE_MS: Final = 60_000
# Warm-up, samples, and as much again for a device that stalls.
_BUDGETS: Final = 3
_SUSTAINED_MINUTE_MS: Final = 120_000
_PROFILE_MS: Final = 3_600_000
# Of a phone at the edge of its network.
_SLOWEST_BYTES_A_MS: Final = 20
_SPARE: Final = 2


def longest_ms(lease: Lease, before_ms: int | None = None) -> int:
    """After which time an attempt is not waited for any more, however alive its agent is, ms.

    Twice what its fetching, waiting and measuring may take by what it was told; and how long a
    start may, by what was measured of its job before. Never sooner than the agent itself gives up.

    Args:
        lease: what was told.
        before_ms: the longest that a repetition of its job took, ms; None before the first.
    """
    settings = lease.settings
    # Whatever was before: how long the agent lets its children take.
    agents_ms = _STARTS_MS + _BUDGETS * settings.time_budget_ms + 2 * settings.paced_ms
    agents_ms += settings.sustained_minutes * _AGENTS_SUSTAINED_MINUTE_MS
    starts_ms = _STARTS_MS
    if before_ms is not None:
        starts_ms = min(starts_ms, _BEYOND_BEFORE_MS + _LIKE_BEFORE * before_ms)
    measuring_ms = starts_ms + _BUDGETS * settings.time_budget_ms
    measuring_ms += settings.sustained_minutes * _SUSTAINED_MINUTE_MS + 2 * settings.paced_ms
    measuring_ms += _PROFILE_MS if settings.profile_runs else 0
    fetched_bytes = lease.artifact_size_bytes + lease.reference_size_bytes
    before_that_ms = settings.gate.deadline_ms + fetched_bytes // _SLOWEST_BYTES_A_MS
    return max(_SPARE * (measuring_ms + before_that_ms), agents_ms + before_that_ms + _TELLING_MS)


@dataclass
class LeaseBook:
    """Until when each leased attempt lives, in ms of a clock that never goes back."""

    expires_at_ms: dict[str, int] = field(default_factory=dict)
    ends_at_ms: dict[str, int] = field(default_factory=dict)
    _unjudged: dict[str, Lease] = field(default_factory=dict)
    pace: Pace = USUAL

    def limit(self, lease: Lease, now_ms: int) -> None:
        """Says until when an attempt must have been reported; what was said first holds."""
        if lease.attempt_id not in self.ends_at_ms:
            # The soonest that it may be: what its job took before is asked for then.
            self.ends_at_ms[lease.attempt_id] = now_ms + longest_ms(lease, 0)
            self._unjudged[lease.attempt_id] = lease

    def unjudged(self, now_ms: int) -> Collection[Lease]:
        """Those that are out so long that it counts what was measured of their jobs before."""
        return [
            lease
            for attempt_id, lease in self._unjudged.items()
            if self.ends_at_ms[attempt_id] <= now_ms
        ]

    def judge(self, lease: Lease, before_ms: int | None) -> None:
        """Holds an attempt against what the longest repetition of its job took, if one did."""
        if self._unjudged.pop(lease.attempt_id, None) is not None:
            self.ends_at_ms[lease.attempt_id] += longest_ms(lease, before_ms) - longest_ms(lease, 0)

    def overdue(self, now_ms: int) -> tuple[str, ...]:
        """The attempts that live and should have been reported long ago, once they are judged."""
        return tuple(attempt for attempt, at in self.ends_at_ms.items() if at <= now_ms)

    def put_off(self, gap_ms: int) -> None:
        """Lets every lease live longer: for so long, no heartbeat and no report could be heard."""
        for ends in (self.expires_at_ms, self.ends_at_ms):
            for attempt_id in ends:
                ends[attempt_id] += gap_ms

    def grant(self, attempt_id: str, now_ms: int) -> None:
        """Starts or renews a lease."""
        self.expires_at_ms[attempt_id] = now_ms + self.pace.lease_ms

    def grant_missing(self, attempt_ids: Iterable[str], now_ms: int) -> None:
        """Starts a lease where there is none."""
        for attempt_id in attempt_ids:
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
        self.ends_at_ms.pop(attempt_id, None)
        self._unjudged.pop(attempt_id, None)

    def expired(self, now_ms: int) -> tuple[str, ...]:
        """The attempts whose time is over, oldest lease first."""
        over: Mapping[str, int] = {
            attempt_id: at for attempt_id, at in self.expires_at_ms.items() if at <= now_ms
        }
        return tuple(sorted(over, key=lambda attempt_id: (over[attempt_id], attempt_id)))
