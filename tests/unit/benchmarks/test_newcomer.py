"""A newcomer's hour is held against what is promised of it."""

from dataclasses import replace

import pytest

from tests.benchmarks.measuring.newcomer import Hour, agrees, section

QUIET = Hour(60.0, ("ok", "wide"), "A", frozenset("A"))
BUSY = Hour(80.0, ("disturbed", "disturbed"), "B", frozenset("B"))


def holds(busy: Hour, *quiet: Hour) -> bool:
    return section(quiet, busy, backbone_count=1).holds is True


def test_a_tie_with_the_usual_winner_is_the_same_answer() -> None:
    tied = replace(QUIET, winner="B", tied=frozenset("AB"))
    other = replace(QUIET, winner="B", tied=frozenset("B"))
    quiet = [QUIET, QUIET, tied, other]
    assert [agrees(hour, quiet) for hour in quiet] == [True, True, True, False]
    assert holds(BUSY, QUIET, QUIET, tied)
    assert not holds(BUSY, *quiet)


@pytest.mark.parametrize(
    "busy",
    [
        replace(BUSY, seconds=90.1),
        replace(BUSY, verdicts=("disturbed", "ok")),
        replace(BUSY, verdicts=("disturbed", "failed")),
        replace(BUSY, winner=None, tied=frozenset()),
    ],
    ids=["too slow", "silent", "failed", "no answer"],
)
def test_what_breaks_the_promise(busy: Hour) -> None:
    assert holds(BUSY, QUIET)
    assert not holds(busy, QUIET)
    assert not holds(BUSY, QUIET, replace(QUIET, verdicts=("failed",)))
    assert not holds(BUSY, replace(QUIET, winner=None, tied=frozenset()))
