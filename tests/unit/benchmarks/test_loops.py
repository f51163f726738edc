"""Two loops in turn: what their blocks tell, and that both run the same."""

import numpy as np
import pytest

from tests.benchmarks.measuring.loops.child import Turns
from tests.benchmarks.measuring.loops.comparison import Blocks, compare

NS_PER_MS = 1_000_000


def blocks(ratio: float, *, seed: int = 2, count: int = 400) -> Blocks:
    """Of a host that changes its speed by a fifth, and interrupts one block of ten."""
    rng = np.random.default_rng(seed)
    host = 5e6 * (1 + 0.2 * np.sin(np.arange(count) / 40))

    def loop(slower: float) -> list[float]:
        noise = 1 + 0.01 * rng.standard_normal(count)
        interrupted = np.where(rng.random(count) < 0.1, 2.0, 1.0)
        return list(map(float, slower * host * noise * interrupted))

    return Blocks(measured_ns=loop(ratio), bare_ns=loop(1.0))


@pytest.mark.parametrize("true", [0.98, 1.0, 1.02])
def test_an_interval_holds_the_ratio_though_the_host_changes(true: float) -> None:
    found = compare(blocks(true))
    assert found.low <= true <= found.high
    assert found.low <= found.ratio <= found.high


def test_the_promise_is_of_the_whole_interval() -> None:
    assert compare(blocks(1.0, count=1_000)).is_within_limit
    assert not compare(blocks(1.02, count=1_000)).is_within_limit
    assert not compare(blocks(1.0, count=6)).is_within_limit


def test_both_loops_have_as_many_blocks_and_the_bare_one_all_its_runs() -> None:
    counts: list[int] = []
    turns = Turns(lambda: None, counts.append, 1_000, 50.0)
    turns.take(NS_PER_MS)
    assert len(turns.measured_ns) == len(turns.bare_ns) == len(counts) > 0
    assert counts[:2] == [20, 20]
