"""Memory repeats within 2 % or 1 MiB, whichever is more."""

import pytest

from tests.benchmarks.measuring.repeatability import Figure, MemoryPair, Pair, memory_pairs

MIB = 2**20


@pytest.mark.parametrize(
    ("first", "second", "repeats"),
    [
        (10 * MIB, 11 * MIB, True),
        (11 * MIB, 10 * MIB - 1, False),
        (0, MIB, True),
        (200 * MIB, 204 * MIB, True),
        (200 * MIB, 204 * MIB + 1, False),
    ],
)
def test_what_counts_as_the_same_memory(first: int, second: int, repeats: bool) -> None:
    assert MemoryPair("job", first, second).repeats is repeats


def test_what_one_of_two_sweeps_does_not_know_is_not_compared() -> None:
    known = Figure(5.0, "ok", 10 * MIB, 20 * MIB)
    pairs = memory_pairs([Pair("job", known, known._replace(pss_bytes=None))])
    assert [len(of_kind) for of_kind in pairs.values()] == [1, 0]
