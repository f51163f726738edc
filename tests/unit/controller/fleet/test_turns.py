"""Repetitions take turns, and what was taken while the device drifted is taken again."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.jobs import OpenJob, Reading, Turn, TurnState
from controller.fleet.turns import (
    SENTINEL_EVERY,
    Settlement,
    order_turns,
    settle,
    slowdown,
    suspect_blocks,
)

QUIET = Reading(low_ms=1.98, high_ms=2.02)
SLOW = Reading(low_ms=2.58, high_ms=2.62)
QUEUED = Turn(state=TurnState.QUEUED)
repetition_counts = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 8), max_size=12
)
readings = st.lists(
    st.floats(1, 10).map(lambda middle: Reading(low_ms=middle * 0.99, high_ms=middle * 1.01)),
    max_size=12,
)


def taken(block: int) -> Turn:
    return Turn(state=TurnState.TAKEN, block=block)


def job(job_id: str, *turns: Turn, repetitions: int | None = None) -> OpenJob:
    return OpenJob(
        job_id=job_id,
        is_sentinel=False,
        repetitions=len(turns) if repetitions is None else repetitions,
        turns=turns,
    )


def sentinel(*turns: Turn) -> OpenJob:
    return OpenJob(job_id="sentinel", is_sentinel=True, repetitions=1, turns=turns)


def settled(*jobs: OpenJob, readings: tuple[Reading, ...] = ()) -> Settlement:
    return settle(jobs, readings, random.Random(0))


@given(repetition_counts, st.integers())
def test_every_repetition_has_one_turn_and_the_same_seed_the_same_order(
    counts: dict[str, int], seed: int
) -> None:
    order = order_turns(counts, None, random.Random(seed))
    assert Counter(order) == counts
    assert order == order_turns(counts, None, random.Random(seed))


@given(repetition_counts, st.integers())
def test_the_sentinel_comes_before_after_every_ten_and_after_the_last(
    counts: dict[str, int], seed: int
) -> None:
    order = order_turns(counts, "the sentinel", random.Random(seed))
    if not counts:
        assert order == ()
        return
    blocks = " ".join(order).split("the sentinel")
    assert (blocks[0], blocks[-1]) == ("", "")
    sizes = [len(block.split()) for block in blocks[1:-1]]
    assert all(size == SENTINEL_EVERY for size in sizes[:-1])
    assert 1 <= sizes[-1] <= SENTINEL_EVERY
    without = [job_id for job_id in order if job_id != "the sentinel"]
    assert without == list(order_turns(counts, None, random.Random(seed)))


def test_jobs_are_not_measured_one_after_the_other() -> None:
    order = order_turns({"a": 5, "b": 5, "c": 5}, None, random.Random(1))
    changes = sum(one != other for one, other in pairwise(order))
    assert changes > 4


@given(readings)
def test_readings_that_differ_by_less_than_the_margin_make_nothing_suspect(
    taken_readings: list[Reading],
) -> None:
    flat = [replace(QUIET, high_ms=QUIET.high_ms + each.low_ms / 1e3) for each in taken_readings]
    assert suspect_blocks(flat) == frozenset()


@given(readings)
def test_the_fastest_reading_is_never_slow_and_only_its_neighbours_make_it_suspect(
    taken_readings: list[Reading],
) -> None:
    blocks = suspect_blocks(taken_readings)
    assert all(0 <= block < len(taken_readings) for block in blocks)
    slow = [each for each in taken_readings if each.low_ms > 1.05 * _fastest(taken_readings)]
    assert bool(blocks) == bool(slow)


def _fastest(taken_readings: list[Reading]) -> float:
    return min(reading.high_ms for reading in taken_readings)


@pytest.mark.parametrize(
    ("levels", "blocks"),
    [
        ((), ()),
        ((QUIET,), ()),
        ((QUIET, QUIET), ()),
        ((QUIET, SLOW), (1,)),
        ((QUIET, SLOW, QUIET, QUIET), (1, 2)),
        # A load that stays, and one that had been there from the beginning.
        ((QUIET, QUIET, SLOW, SLOW, SLOW), (2, 3, 4)),
        ((SLOW, SLOW, QUIET, QUIET), (0, 1, 2)),
    ],
)
def test_a_block_is_suspect_when_one_of_its_ends_was_slow(
    levels: tuple[Reading, ...], blocks: tuple[int, ...]
) -> None:
    assert suspect_blocks(levels) == frozenset(blocks)


def test_a_slowdown_is_told_in_figures() -> None:
    assert slowdown((QUIET, SLOW)) == pytest.approx(0.3)


def test_without_a_sentinel_a_job_is_complete_with_its_last_repetition() -> None:
    assert settled(job("a", taken(0), taken(0)), job("b", taken(0), QUEUED)) == Settlement(
        added=(), complete=("a",)
    )


def test_with_one_a_job_waits_for_the_reading_after_its_last_repetition() -> None:
    waiting = (job("a", taken(1)), sentinel(taken(0), QUEUED))
    assert settled(*waiting, readings=(QUIET,)).complete == ()
    read = (job("a", taken(1)), sentinel(taken(0), taken(0)))
    assert settled(*read, readings=(QUIET, QUIET)).complete == ("a", "sentinel")


def test_what_was_taken_while_the_device_drifted_is_taken_again_between_readings() -> None:
    disturbed = (job("a", taken(1), taken(1)), job("b", taken(1), QUEUED), sentinel(taken(0)))
    found = settled(*disturbed, readings=(QUIET, SLOW))
    assert Counter(found.added) == {"a": 2, "b": 1, "sentinel": 2}
    assert (found.added[0], found.added[-1]) == ("sentinel", "sentinel")
    assert found.complete == ()


def test_each_repetition_is_taken_again_only_once() -> None:
    again = job("a", taken(1), taken(1), taken(2), taken(2), repetitions=2)
    found = settled(again, sentinel(taken(0)), readings=(QUIET, SLOW, SLOW))
    assert found == Settlement(added=(), complete=("a", "sentinel"))


def test_a_reading_is_added_where_none_would_follow() -> None:
    late = (job("a", taken(2)), sentinel(taken(0), taken(0)))
    assert settled(*late, readings=(QUIET, QUIET)).added == ("sentinel",)


def test_a_sentinel_is_complete_when_the_others_have_ended() -> None:
    assert settled(sentinel(taken(0), QUEUED), readings=(QUIET,)).complete == ("sentinel",)


@given(st.data(), repetition_counts, st.booleans())
def test_every_job_is_complete_at_some_time_whatever_the_sentinel_reads(
    data: st.DataObject, counts: dict[str, int], has_sentinel: bool
) -> None:
    watcher = "the sentinel" if has_sentinel and counts else None
    queue = list(order_turns(counts, watcher, random.Random(0)))
    wanted = counts | ({watcher: 1} if watcher else {})
    taken_turns: dict[str, list[Turn]] = {job_id: [] for job_id in wanted}
    read: list[Reading] = []
    ended: set[str] = set()
    while queue:
        current = queue.pop(0)
        if current in ended:
            continue
        if current == watcher:
            read.append(data.draw(st.sampled_from([QUIET, SLOW])))
            taken_turns[current].append(Turn(state=TurnState.TAKEN))
        else:
            taken_turns[current].append(taken(len(read)))
        queued = Counter(queue)
        jobs = [
            OpenJob(
                job_id=job_id,
                is_sentinel=job_id == watcher,
                repetitions=count,
                turns=(*taken_turns[job_id], *[QUEUED] * queued[job_id]),
            )
            for job_id, count in wanted.items()
            if job_id not in ended
        ]
        settlement = settle(jobs, read, random.Random(0))
        ended.update(settlement.complete)
        queue += settlement.added
    assert ended == set(wanted)
    assert all(count <= len(taken_turns[job_id]) <= 2 * count for job_id, count in counts.items())
