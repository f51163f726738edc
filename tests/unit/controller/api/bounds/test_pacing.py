"""How fast a peer is heard, and how long who is refused waits."""

from hypothesis import given
from hypothesis import strategies as st

from controller.api.pacing import FORGOTTEN_MS, Pauses, Rates


def test_a_peer_says_at_once_what_it_saved_up_and_then_waits_its_turn() -> None:
    rates = Rates(per_s=10, saved=5)
    assert [rates.wait_s("phone", 0) for _ in range(5)] == [0] * 5
    assert [rates.wait_s("phone", 0) for _ in range(3)] == [0.1, 0.2, 0.3]
    # Nobody waits for another.
    assert rates.wait_s("board", 0) == 0


def test_what_costs_more_counts_as_more() -> None:
    rates = Rates(per_s=10, saved=5)
    assert rates.wait_s("phone", 0, cost=10) == 0.5


def test_what_was_not_said_is_saved_up_to_a_limit() -> None:
    rates = Rates(per_s=10, saved=5)
    assert [rates.wait_s("phone", 60_000) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]
    assert [rates.wait_s("phone", 120_000) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]


@given(
    st.floats(1, 1_000),
    st.floats(1, 1_000),
    st.lists(st.integers(0, 1_000), min_size=1, max_size=300),
)
def test_however_it_says_them_no_more_are_heard_than_saved_and_a_second(
    per_s: float, saved: float, gaps_ms: list[int]
) -> None:
    rates = Rates(per_s=per_s, saved=saved)
    now_ms, heard_ms = 0, []
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        heard_ms.append(now_ms + 1_000 * rates.wait_s("phone", now_ms))
    span_s = (max(heard_ms) - heard_ms[0]) / 1_000
    assert len(heard_ms) <= saved + per_s * span_s + 1 + 1e-6 * len(heard_ms)


def test_peers_without_end_are_not_remembered_without_end() -> None:
    rates = Rates(per_s=10, saved=0)
    for number in range(30_000):
        rates.wait_s(number, now_ms=number)
    # Who is still behind is not forgotten with them.
    assert rates.wait_s(29_999, now_ms=29_999) == 0.2


def test_the_first_refusals_are_told_at_once_and_more_wait_ever_longer() -> None:
    pauses = Pauses(free=2, first_s=0.1, longest_s=1)
    told_s = [pauses.pause_s("somebody", 0) for _ in range(8)]
    assert told_s == [0, 0, 0.1, 0.2, 0.4, 0.8, 1, 1]
    assert pauses.pause_s("somebody else", 0) == 0


def test_a_minute_later_refusals_begin_anew() -> None:
    pauses = Pauses(free=1, first_s=0.1, longest_s=1)
    assert [pauses.pause_s("somebody", 0) for _ in range(3)] == [0, 0.1, 0.2]
    assert pauses.pause_s("somebody", FORGOTTEN_MS - 1) == 0.4
    assert pauses.pause_s("somebody", 2 * FORGOTTEN_MS) == 0


def test_who_is_refused_for_ever_waits_as_long_as_any() -> None:
    pauses = Pauses(free=0, first_s=0.1, longest_s=10)
    assert [pauses.pause_s("somebody", 0) for _ in range(5_000)][-1] == 10
