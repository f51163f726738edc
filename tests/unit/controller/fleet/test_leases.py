"""A lease lives by its heartbeats; a job is tried three times and then given up."""

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
from controller.fleet.leasing.leases import LEASE_MS, LeaseBook, Pace


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
