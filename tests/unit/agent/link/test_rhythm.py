"""An agent beats and dials at random moments, within what its controller told it."""

from hypothesis import given
from hypothesis import strategies as st

from agent.link.rhythm import Rhythm
from protos.fleet import SlowDown, Welcome


@given(interval_ms=st.integers(0, 2**32 - 1), spread_ms=st.integers(0, 2**32 - 1))
def test_moments_lie_within_what_was_told(interval_ms: int, spread_ms: int) -> None:
    rhythm = Rhythm()
    rhythm.follow(Welcome(heartbeat_interval_ms=interval_ms, redial_spread_ms=spread_ms))
    assert 0 <= rhythm.first_beat_s() <= rhythm.interval_s == max(interval_ms / 1_000, 0.05)
    assert 0 <= rhythm.moment_s() <= rhythm.spread_s <= spread_ms / 1_000
    # A controller that takes and drops connections at once is not dialled without a rest.
    assert 0.2 <= rhythm.rest_s() <= 0.2 + 120


def test_a_fleet_that_was_welcomed_at_once_does_not_beat_or_dial_at_once() -> None:
    beats, rests = set(), set()
    for _ in range(100):
        rhythm = Rhythm()
        rhythm.follow(Welcome(heartbeat_interval_ms=20_000, redial_spread_ms=50_000))
        beats.add(round(rhythm.first_beat_s()))
        rests.add(round(rhythm.rest_s() / 5))
    assert len(beats) > 10
    assert len(rests) > 5


def test_what_is_told_later_holds_from_then_on() -> None:
    rhythm = Rhythm()
    rhythm.follow(Welcome(heartbeat_interval_ms=5_000))
    rhythm.follow(SlowDown(heartbeat_interval_ms=20_000, redial_spread_ms=50_000))
    assert (rhythm.interval_s, rhythm.spread_s) == (20, 50)
