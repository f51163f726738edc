"""A lease lives by its heartbeats; a job is tried three times and then given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.jobs import (
    ENDED,
    JOB_TRANSITIONS,
    MAX_ATTEMPTS,
    JobState,
    after_loss,
    may_come_from,
)
from controller.fleet.leasing.leases import LEASE_MS, MOST_BEATS_A_S, USUAL, LeaseBook, Pace


def test_a_lease_expires_when_nobody_renews_it() -> None:
    leases = LeaseBook()
    leases.grant("a", now_ms=0)
    assert leases.expired(LEASE_MS - 1) == ()
    assert leases.expired(LEASE_MS) == ("a",)


def test_a_lease_lives_as_long_as_its_fleets_pace_says() -> None:
    leases = LeaseBook(pace=Pace(lease_ms=100))
    leases.grant("a", now_ms=0)
    assert leases.expired(99) == ()
    assert leases.expired(100) == ("a",)


def test_a_heartbeat_renews_only_what_is_leased() -> None:
    leases = LeaseBook()
    leases.grant("a", now_ms=0)
    leases.renew(("a", "stranger"), now_ms=10)
    assert leases.expired(LEASE_MS) == ()
    assert leases.expired(LEASE_MS + 10) == ("a",)


def test_an_ended_lease_never_expires() -> None:
    leases = LeaseBook()
    leases.grant("a", now_ms=0)
    leases.end("a")
    leases.end("a")
    assert leases.expired(10 * LEASE_MS) == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100_000)), max_size=20))
def test_what_expired_is_told_oldest_first(grants: list[tuple[str, int]]) -> None:
    leases = LeaseBook()
    for attempt_id, now_ms in grants:
        leases.grant(attempt_id, now_ms)
    over = leases.expired(200_000)
    assert set(over) == {attempt_id for attempt_id, _ in grants}
    ends = [leases.expires_at_ms[attempt_id] for attempt_id in over]
    assert ends == sorted(ends)


def test_a_job_is_given_up_after_the_last_lost_attempt() -> None:
    states = [after_loss(lost) for lost in range(1, MAX_ATTEMPTS + 1)]
    assert states == [JobState.QUEUED] * (MAX_ATTEMPTS - 1) + [JobState.FAILED]


def test_nothing_comes_after_the_end() -> None:
    assert not {before for before, _after in JOB_TRANSITIONS} & ENDED


def test_every_state_can_be_reached() -> None:
    assert all(may_come_from(state) for state in JobState)


@given(agents=st.integers(0, 100_000), more=st.integers(0, 100_000))
def test_a_large_fleet_beats_more_slowly_and_its_leases_live_as_many_beats(
    agents: int, more: int
) -> None:
    pace = USUAL.for_fleet(agents)
    assert agents * 1_000 / pace.heartbeat_interval_ms <= MOST_BEATS_A_S
    missed_beats = pace.lease_ms / pace.heartbeat_interval_ms
    assert missed_beats == pytest.approx(USUAL.lease_ms / USUAL.heartbeat_interval_ms, abs=0.001)
    # Whoever beats slowly already is waited for as long as before.
    grown = pace.for_fleet(more)
    assert grown.lease_ms >= pace.lease_ms
    assert (grown == pace) == (grown.heartbeat_interval_ms == pace.heartbeat_interval_ms)


def test_a_small_fleet_beats_at_the_usual_pace() -> None:
    assert USUAL.for_fleet(1_000) is USUAL
    assert USUAL.for_fleet(5_000) == Pace(heartbeat_interval_ms=10_000, lease_ms=75_000)
