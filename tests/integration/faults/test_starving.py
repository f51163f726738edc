"""A machine that keeps processes from its cores is told from a fault that befell them."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.judging.starving import Starving, waited_for_core_s

WITHIN_S, MOST_S, LOOK_S = 6.0, 3.0, 0.1
LOOKS = 600

shares = st.floats(0, 1)


def counted(share: float, looks: int = LOOKS) -> int:
    """How often a process has starved that waits for a core through this share of a time."""
    starving = Starving(most_s=MOST_S, within_s=WITHIN_S)
    times = (number * LOOK_S for number in range(looks))
    return sum(starving.count(now_s, {1: share * now_s}) for now_s in times)


@given(share=shares.filter(lambda share: share < 0.49))
def test_who_has_a_core_half_of_the_time_does_not_starve(share: float) -> None:
    assert counted(share) == 0


@given(share=shares.filter(lambda share: share > 0.54))
def test_who_waits_longer_starves_once_for_each_time(share: float) -> None:
    assert (LOOKS * LOOK_S) // (WITHIN_S + LOOK_S) <= counted(share) <= LOOKS * LOOK_S / MOST_S


def test_what_one_waited_is_not_what_the_next_with_its_id_did() -> None:
    starving = Starving(most_s=MOST_S, within_s=WITHIN_S)
    assert starving.count(0, {1: 0.0}) == 0
    assert starving.count(1, {}) == 0
    assert starving.count(2, {1: 5.0}) == 0


@given(shares=st.tuples(shares, shares))
def test_what_several_wait_at_once_counts_once(shares: tuple[float, float]) -> None:
    starving = Starving(most_s=MOST_S, within_s=WITHIN_S)
    for number in range(100):
        now_s = number * LOOK_S
        starving.count(now_s, {pid: share * now_s for pid, share in enumerate(shares)})
    assert starving.waited_s == pytest.approx(max(shares) * 99 * LOOK_S)


def test_the_kernel_tells_what_a_process_waited(tmp_path: Path) -> None:
    before_s = waited_for_core_s(os.getpid())
    after_s = waited_for_core_s(os.getpid())
    assert before_s is not None
    assert after_s is not None
    assert 0 <= before_s <= after_s
    assert waited_for_core_s(os.getpid(), tmp_path) is None
