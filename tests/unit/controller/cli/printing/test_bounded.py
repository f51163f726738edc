"""However much there is to tell, an assistant is told so many of each list, and of how many."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.cli.operating.mcp import CUT, MOST_ASKED, bounded, without_empty

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
DOCUMENTS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from("xyz"), inner),
        max_leaves=40,
    ),
)


def lists_of(document: Any) -> list[list[Any]]:
    if isinstance(document, dict):
        return [found for each in document.values() for found in lists_of(each)]
    if isinstance(document, list):
        return [document, *(found for each in document for found in lists_of(each))]
    return []


@given(document=DOCUMENTS, most=st.integers(0, 9))
def test_no_list_is_longer_and_what_is_short_stays_as_it_is(
    document: dict[str, Any], most: int
) -> None:
    told = bounded(document, most)
    assert all(len(each) <= most for each in lists_of(told))
    is_short = all(len(each) <= most for each in lists_of(document))
    assert (told == document) is is_short
    assert (CUT in told) is not is_short


def test_what_is_cut_is_counted_by_its_place_and_nobody_gets_all() -> None:
    document = {"others": list(range(500)), "settings": [{"predicted": [1, 2]}, {"predicted": []}]}
    assert bounded(document, 1) == {
        "others": [0],
        "settings": [{"predicted": [1]}],
        CUT: {"others": 500, "settings": 2, "settings.predicted": 2},
    }
    assert len(bounded(document, 10**9)["others"]) == MOST_ASKED


def test_what_tells_nothing_is_left_out() -> None:
    said: dict[str, Any] = {
        "ties": [],
        "winner": None,
        "counts": {"others": 0, "left": None},
        "is_sure": False,
    }
    assert without_empty(said) == {"ties": [], "counts": {"others": 0}, "is_sure": False}
