"""`find` beside a full sweep is held against what is promised of it."""

from dataclasses import replace

from tests.benchmarks.racing.real import ROUNDS, Answer, Pair, section

DAY = ("2026-11-28", "a processor")
SWEPT = Answer(
    seconds=100.0,
    winner="A",
    tied=frozenset("AB"),
    front=frozenset("AC"),
    latency_ms={"A": 2.0, "B": 2.02, "C": 4.0, "D": 8.0},
    top1s={"A": 70.0, "B": 70.0, "C": 80.0, "D": 60.0},
)
FOUND = replace(SWEPT, seconds=14.0, front=frozenset("BC"), winner="B")


def test_a_tie_that_the_sweep_confirms_is_the_same_answer_in_less_time() -> None:
    pair = Pair(FOUND, SWEPT, *DAY)
    assert pair.agrees
    assert 0.97 < pair.area < 1
    assert section([pair] * ROUNDS, 4).holds


def test_what_breaks_the_promise() -> None:
    other = Pair(replace(FOUND, winner="C"), SWEPT, *DAY)
    slow = Pair(replace(FOUND, seconds=16.0), SWEPT, *DAY)
    none = Pair(replace(FOUND, winner=""), SWEPT, *DAY)
    assert not any(section([pair] * ROUNDS, 4).holds for pair in (other, slow, none))


def test_fewer_rounds_than_promised_show_nothing() -> None:
    assert not section([Pair(FOUND, SWEPT, *DAY)] * (ROUNDS - 1), 4).holds
