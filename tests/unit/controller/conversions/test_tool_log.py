"""What a tool said is in the log once, under the id that every sentence of it names."""

import logging

import pytest

from controller.conversions.tool_log import logged


def test_each_text_is_logged_once_and_keeps_its_id(caplog: pytest.LogCaptureFixture) -> None:
    said = "no kernel\nframe 1\nframe 2, of this test alone"
    with caplog.at_level(logging.WARNING):
        ids = {logged(said) for _ in range(3)}
        assert logged("") == ""
    (log_id,) = ids
    (record,) = caplog.records
    assert isinstance(record.msg, dict)
    assert (record.msg["said"], record.msg["log_id"]) == (said, log_id)
    assert logged("something else") != log_id
