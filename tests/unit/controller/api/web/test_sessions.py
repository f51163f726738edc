"""Who is signed in stays so, whoever else signs in how often."""

from controller.api.web.pages.ground.sessions import Sessions
from controller.fleet.clock import SystemClock


def test_one_token_that_signs_in_without_end_signs_nobody_else_out() -> None:
    sessions = Sessions(SystemClock(), None)
    other = sessions.open("Bearer other")
    own = [sessions.open("Bearer own") for _ in range(5_000)]
    assert sessions.find(other) is not None
    assert sessions.find(own[-1]) is not None
    assert sessions.find(own[0]) is None


def test_of_many_tokens_the_oldest_session_ends() -> None:
    sessions = Sessions(SystemClock(), None)
    keys = [sessions.open(f"Bearer {number}") for number in range(1_001)]
    assert sessions.find(keys[0]) is None
    assert sessions.find(keys[1]) is not None
