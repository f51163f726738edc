"""A lease lives by its heartbeats; a job is tried three times and then given up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.measuring.measurer import START_ALLOWANCE_S, sampling_limit_ms
from controller.domain.jobs import (
    ENDED,
    JOB_TRANSITIONS,
    MAX_ATTEMPTS,
    JobState,
    after_loss,
    may_come_from,
)
from controller.fleet.leasing.leases import (
    DIALS_A_S,
    LEASE_MS,
    LONGEST_SPREAD_MS,
    MOST_BEATS_A_S,
    SLOWEST_INTERVAL_MS,
    USUAL,
    LeaseBook,
    Pace,
    longest_ms,
)
from protos.fleet import Lease
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings, StartGate
from protos.runtimes import Runtime

LEASE = Lease(
    attempt_id="a",
    job_id="j",
    artifact_sha256="00",
    artifact_size_bytes=1,
    backbone="none",
    ordinal=0,
    settings=MeasureSettings(
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        relative_half_width=0.02,
        time_budget_ms=500,
        takes=NetworkInput(size=square(224)),
        input_seed=0,
    ),
)


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
    assert 5_000 <= pace.heartbeat_interval_ms <= 60_000
    if pace.heartbeat_interval_ms < SLOWEST_INTERVAL_MS:
        assert agents * 1_000 / pace.heartbeat_interval_ms <= MOST_BEATS_A_S
    assert missed_beats(pace) == pytest.approx(missed_beats(USUAL), abs=0.001)
    # Whoever beats slowly already is waited for as long as before.
    grown = pace.for_fleet(more)
    assert grown.lease_ms >= pace.lease_ms
    assert grown.redial_spread_ms >= pace.redial_spread_ms


def missed_beats(pace: Pace) -> float:
    return pace.lease_ms / pace.heartbeat_interval_ms


def test_a_fleet_that_grows_agent_by_agent_keeps_its_leases_as_long() -> None:
    pace = USUAL
    for agents in range(40_000):
        pace = pace.for_fleet(agents)
    assert pace.heartbeat_interval_ms == SLOWEST_INTERVAL_MS
    assert missed_beats(pace) == pytest.approx(missed_beats(USUAL), abs=0.01)


def test_how_slowly_a_fleet_beats_and_comes_back() -> None:
    few, many, most = (USUAL.for_fleet(agents) for agents in (2_500, 10_000, 1_000_000))
    assert few == Pace(heartbeat_interval_ms=5_000, lease_ms=LEASE_MS, redial_spread_ms=12_500)
    assert many == Pace(heartbeat_interval_ms=20_000, lease_ms=120_000, redial_spread_ms=50_000)
    assert (most.heartbeat_interval_ms, most.redial_spread_ms) == (60_000, LONGEST_SPREAD_MS)
    # A lease outlives the dials of a fleet whose streams broke.
    assert all(pace.redial_spread_ms < pace.lease_ms for pace in (few, many, most))
    assert DIALS_A_S * many.redial_spread_ms == 10_000 * 1_000


def test_an_agent_is_told_anew_once_the_fleet_is_much_slower_than_it_was_told() -> None:
    told = USUAL.for_fleet(2_500)
    assert not told.is_slower(told)
    assert not USUAL.for_fleet(2_600).is_slower(told)
    assert USUAL.for_fleet(4_000).is_slower(told)
    assert not told.is_slower(USUAL.for_fleet(4_000))
    # Those who come first to a fleet that is small after all.
    assert not USUAL.for_fleet(50).is_slower(USUAL.for_fleet(1))


@given(
    budget_ms=st.integers(0, 600_000),
    gate_ms=st.integers(0, 3_600_000),
    minutes=st.integers(0, 60),
    paced_fps=st.sampled_from([0.0, 5.0, 60.0]),
    before_ms=st.none() | st.integers(0, 100_000),
)
def test_an_attempt_is_never_given_up_before_its_agent_gives_it_up(
    *, budget_ms: int, gate_ms: int, minutes: int, paced_fps: float, before_ms: int | None
) -> None:
    settings = replace(
        LEASE.settings,
        time_budget_ms=budget_ms,
        gate=StartGate(deadline_ms=gate_ms),
        sustained_minutes=minutes,
        paced_fps=paced_fps,
    )
    # A child for the baseline, one to measure, which may wait for its start.
    agents_ms = 2 * 1_000 * START_ALLOWANCE_S + sampling_limit_ms(settings) + gate_ms
    assert longest_ms(replace(LEASE, settings=settings), before_ms) > agents_ms


def test_what_a_job_took_before_lets_an_attempt_be_given_up_sooner_or_later() -> None:
    after_ms = [longest_ms(LEASE, before_ms) for before_ms in (0, 10_000, 100_000, None)]
    assert after_ms[0] < longest_ms(LEASE)
    assert after_ms == sorted(after_ms)


def test_while_nothing_can_be_heard_no_attempt_comes_nearer_to_its_end() -> None:
    leases, gap_ms = LeaseBook(), longest_ms(LEASE)
    leases.grant("a", now_ms=0)
    leases.limit(LEASE, now_ms=0)
    leases.put_off(gap_ms)
    assert leases.expired(gap_ms) == ()
    assert leases.unjudged(gap_ms) == []
    assert leases.overdue(gap_ms) == ()
    leases.judge(LEASE, before_ms=0)
    assert leases.overdue(gap_ms + longest_ms(LEASE, 0) - 1) == ()
    assert leases.overdue(gap_ms + longest_ms(LEASE, 0)) == ("a",)
