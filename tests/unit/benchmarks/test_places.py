"""A page that people write keeps their words, and gets the figures into its places."""

from collections.abc import Collection

import pytest

from tests.benchmarks.__main__ import ATTACKS, DOCS, PROOF, SPEED
from tests.benchmarks.pages.places import PlaceMissing, filled

PAGE = """Before.
<!-- coverage -->
Old figures.

<!-- end of coverage -->
Between.
<!-- faults -->
<!-- end of faults -->
After.
"""


def test_only_the_named_place_is_filled_and_as_often_as_one_likes() -> None:
    expected = PAGE.replace("Old figures.\n\n", r"| a\1 | b |" + "\n")
    once = filled(PAGE, {"coverage": r"| a\1 | b |"})
    assert once == expected
    assert filled(once, {"coverage": r"| a\1 | b |"}) == once


@pytest.mark.parametrize("page", ["No place.\n", PAGE + PAGE])
def test_a_page_without_exactly_one_place_is_refused(page: str) -> None:
    with pytest.raises(PlaceMissing, match="coverage"):
        filled(page, {"coverage": "figures"})


@pytest.mark.parametrize(
    ("page", "names"),
    [("measuring.md", PROOF), ("proof/benchmarks.md", SPEED), ("proof/attacks.md", ATTACKS)],
    ids=["proof", "speed", "attacks"],
)
def test_a_page_has_a_place_for_each_of_its_benchmarks(page: str, names: Collection[str]) -> None:
    text = (DOCS / page).read_text()
    assert filled(text, dict.fromkeys(names, "figures")).count("\nfigures\n") == len(names)
