"""A log line is one line, whatever came over the wire, and its facts are fields."""

import io
import json
import logging
import re
import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.log_lines import LogFormat, about, event_log, line_formatter
from protos.names import printable

FORMATS = st.sampled_from(LogFormat)
# A field, its value quoted or without blanks; and its name.
_LOGFMT = re.compile(r'((\w+)=(?:"(?:[^"\\]|\\.)*"|[^" ]*) )')


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


class Kept(logging.Handler):
    """Keeps what a formatter makes of each record."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("edgerank.test")
    found.setLevel(logging.INFO)
    found.propagate = False
    yield found
    found.handlers.clear()


def lines(logger: logging.Logger, log_format: LogFormat, stream: io.StringIO) -> list[str]:
    """What is logged from here on, as it would stand in a stream."""
    logger.handlers.clear()
    kept = Kept(line_formatter(log_format, stream))
    logger.addHandler(kept)
    return kept.lines


@given(said=st.text(), log_format=FORMATS, is_terminal=st.booleans())
def test_no_text_forges_a_line_or_moves_a_cursor(
    said: str, log_format: LogFormat, is_terminal: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Colours are ours, and escapes.
        patch.setenv("NO_COLOR", "1")
        logger = logging.getLogger("edgerank.test.forged")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        written = lines(logger, log_format, Terminal() if is_terminal else io.StringIO())
        event_log(logger.name).warning("connected", device=said)
        logger.warning("%s connected", said)
    assert len(written) == 2
    assert all(line.isprintable() for line in written)


@given(said=st.text() | st.text(alphabet='a =\\"'), log_format=FORMATS)
def test_no_text_adds_a_field(said: str, log_format: LogFormat) -> None:
    logger = logging.getLogger("edgerank.test.fields")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    written = lines(logger, log_format, io.StringIO())
    event_log(logger.name).info("connected", device=said)
    (line,) = written
    if log_format is LogFormat.JSON:
        document = json.loads(line)
        assert (document["event"], document["device"]) == ("connected", printable(said))
        names = list(document)
    else:
        parts = _LOGFMT.findall(f"{line} ")
        assert "".join(whole for whole, _name in parts) == f"{line} "
        names = [name for _whole, name in parts]
    assert sorted(names) == ["device", "event", "level", "timestamp"]


def test_facts_are_fields_and_so_is_what_they_are_about(logger: logging.Logger) -> None:
    written = lines(logger, LogFormat.TEXT, io.StringIO())
    with about(job="j1", attempt="a1"):
        event_log(logger.name).info("waiting to start", load=1.5, device="a board")
    (line,) = written
    assert line.split(" ")[1:3] == ["level=info", 'event="waiting']
    fields = dict(part.split("=", 1) for part in shlex.split(line))
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "level": "info",
        "event": "waiting to start",
        "load": "1.5",
        "device": "a board",
        "job": "j1",
        "attempt": "a1",
    }


def test_a_traceback_is_one_field_without_the_values_of_variables(logger: logging.Logger) -> None:
    secret = "the-secret-of-a-token"
    for log_format in LogFormat:
        written = lines(logger, log_format, io.StringIO())
        try:
            raise ValueError(f"{len(secret)}\nlevel=info event=forged")
        except ValueError:
            event_log(logger.name).exception("a call failed", method="/m")
        (line,) = written
        assert line.isprintable()
        assert "Traceback" in line
        assert secret not in line


def test_on_a_terminal_it_is_for_people(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    written = lines(logger, LogFormat.TEXT, Terminal())
    event_log(logger.name).info("connected", device="board")
    assert "\x1b[" in written[0]
    monkeypatch.setenv("NO_COLOR", "1")
    written = lines(logger, LogFormat.TEXT, Terminal())
    event_log(logger.name).info("connected", device="board")
    assert written[0].isprintable()
    assert "device=board" in written[0]


def test_without_a_handler_of_ours_the_rules_of_logging_hold(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        log = event_log("edgerank.test.quiet")
        log.info("connected")
        log.warning("disconnected", device="board")
    (record,) = caplog.records
    assert isinstance(record.msg, dict)
    assert (record.msg["event"], record.msg["device"]) == ("disconnected", "board")
