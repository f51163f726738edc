"""A page that people write keeps their words, and gets the figures into its places."""

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import DOCS, PROOF
from tests.benchmarks.places import PlaceMissing, filled

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


def test_the_page_on_measuring_has_a_place_for_every_proof() -> None:
    page = Path(DOCS / "measuring.md").read_text()
    assert filled(page, dict.fromkeys(PROOF, "figures")).count("\nfigures\n") == len(PROOF)
