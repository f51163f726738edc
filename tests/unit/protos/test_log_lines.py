"""A log line is one line, whatever came over the wire."""

import logging

from hypothesis import given
from hypothesis import strategies as st

from protos.log_lines import LineFormatter


@given(st.text())
def test_no_text_forges_a_line_or_moves_a_cursor(said: str) -> None:
    record = logging.LogRecord("l", logging.INFO, "p", 1, "%s connected", (said,), None)
    line = LineFormatter("%(levelname)s %(message)s").format(record)
    assert line.startswith("INFO ")
    assert line.isprintable()
    assert line.endswith(" connected")
