"""An agent that was started again takes its place back; two that alternate are two agents."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import EdgerankError
from controller.fleet.arriving.identities import Identities


@given(st.lists(st.uuids().map(str), min_size=2, max_size=30, unique=True))
def test_an_agent_may_be_started_again_and_again(runs: list[str]) -> None:
    identities = Identities()
    for earlier, later in itertools.pairwise(runs):
        identities.take_place("device", later, earlier)
        # Its stream broke, and it came back.
        identities.take_place("device", later, later)


@given(st.integers(0, 5))
def test_one_that_comes_back_after_another_took_its_place_is_refused(between: int) -> None:
    identities = Identities()
    runs = ["a", *(f"later {number}" for number in range(between)), "b"]
    for earlier, later in itertools.pairwise(runs):
        identities.take_place("device", later, earlier)
    with pytest.raises(EdgerankError, match="two agents"):
        identities.take_place("device", "a", "b")
    identities.take_place("another device", "a", "b")


def test_agents_that_do_not_say_are_believed() -> None:
    identities = Identities()
    for _ in range(3):
        identities.take_place("device", "", "")
