"""Cores are read as people write them, or refused with how to write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.cores import MAX_CORES, CoreChoice, Cores, format_cores, parse_cores
from controller.domain.errors import EdgerankError, ErrorCode

core_sets = st.sets(st.integers(0, MAX_CORES - 1), min_size=1, max_size=20)
spans = st.tuples(st.integers(0, 200), st.integers(0, 20)).map(lambda each: (each[0], sum(each)))


def listed(cpus: set[int]) -> Cores:
    return Cores(choice=CoreChoice.LISTED, cpus=tuple(sorted(cpus)))


@given(core_sets)
def test_what_is_written_is_read_again(cores: set[int]) -> None:
    assert parse_cores(format_cores(cores)) == listed(cores)


@given(st.lists(spans, min_size=1, max_size=5))
def test_spans_may_overlap_and_come_in_any_order(chosen: list[tuple[int, int]]) -> None:
    text = ", ".join(f"{first}-{last}" for first, last in chosen)
    wanted = {core for first, last in chosen for core in range(first, last + 1)}
    assert parse_cores(text) == listed(wanted)


no_numbers = st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=12)


@given(no_numbers.filter(lambda text: text not in ("big", "little", "all")))
def test_any_other_text_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        parse_cores(text)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert "as 0,4-7" in str(refused.value)


def test_neighbours_are_written_as_a_span() -> None:
    assert format_cores((7, 0, 5, 4, 6)) == "0,4-7"
    assert format_cores((0, 1)) == "0-1"


@pytest.mark.parametrize("word", ["big", "little", "all"])
def test_classes_have_names(word: str) -> None:
    assert parse_cores(word) == Cores(choice=CoreChoice(word))


def test_nothing_is_all() -> None:
    assert parse_cores("") == Cores()


@pytest.mark.parametrize(
    "text", ["4-0", "-1", "0,", "0-", "1-2-3", "8192", "0-99999", "Big", "½", "listed"]
)
def test_what_names_no_cores_is_refused(text: str) -> None:
    with pytest.raises(EdgerankError, match="names no cores"):
        parse_cores(text)
