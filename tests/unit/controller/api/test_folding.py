"""Whatever repeats is told once a window, and every message is told or counted."""

from hypothesis import given
from hypothesis import strategies as st

from controller.api.folding import Folding

WINDOW_MS = 60


def test_the_first_is_told_at_once_and_the_others_as_a_number() -> None:
    folding: Folding[str] = Folding(WINDOW_MS, most=10)
    assert [folding.is_told("a", now) for now in (0, 1, 2)] == [True, False, False]
    assert folding.is_told("b", 2)
    assert folding.ended(WINDOW_MS - 1) == []
    [folded] = folding.ended(WINDOW_MS)
    assert (folded.key, folded.repeats) == ("a", 2)
    # What goes on has another window, and what has ended is told anew when it comes again.
    assert not folding.is_told("a", WINDOW_MS + 1)
    folding.ended(2 * WINDOW_MS + 2)
    folding.ended(3 * WINDOW_MS + 2)
    assert folding.is_told("a", 4 * WINDOW_MS)
    assert folding.is_told("b", 4 * WINDOW_MS)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=200))
def test_nothing_is_lost_however_many_kinds_there_are(came: list[tuple[int, int]]) -> None:
    folding: Folding[int] = Folding(WINDOW_MS, most=5)
    now_ms, told, counted = 0, 0, 0
    for key, gap_ms in came:
        now_ms += gap_ms
        told += folding.is_told(key, now_ms)
        counted += sum(each.repeats for each in folding.ended(now_ms))
    counted += sum(each.repeats for each in folding.rest())
    assert told + counted == len(came)
    assert folding.rest() == []
