"""JSON reaches terminals, too."""

import json

from hypothesis import given
from hypothesis import strategies as st

from controller.views.documents import spelt_safely
from tests.contract.drawing import ODD_TEXTS


@given(st.text() | st.sampled_from(ODD_TEXTS))
def test_it_moves_no_cursor_and_says_what_it_said(text: str) -> None:
    document = {"name": text, "names": [text]}
    for indent in (None, 2):
        shown = spelt_safely(json.dumps(document, ensure_ascii=False, indent=indent))
        assert shown.replace("\n", "").isprintable()
        assert json.loads(shown) == document


def test_what_people_write_stays_as_they_wrote_it() -> None:
    assert spelt_safely('"Küche 台所"') == '"Küche 台所"'
