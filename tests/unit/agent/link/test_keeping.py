"""A report that the controller refuses is set aside, and is in nobody's way."""

import logging
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.link.kept.keeping import Keeping
from agent.link.kept.quarantine import Quarantine
from agent.link.kept.spool import Spool
from agent.link.wire import check_kept_report
from agent.state_folder import StateUnusable
from protos.codec import MessageInvalid
from protos.v1 import fleet_pb2

REPORT = fleet_pb2.Report(attempt_id="a", job_id="j").SerializeToString()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool.sqlite")


def test_a_refused_report_leaves_the_spool_and_is_named_in_the_log(
    tmp_path: Path, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    reports = Keeping(spool)
    reports.keep("a", REPORT)
    reports.keep("b", REPORT)
    reports.set_aside("a", "no samples")
    assert reports.pending() == ("b",)
    assert (tmp_path / "refused" / "a.report").read_bytes() == REPORT
    (line,) = [record.getMessage() for record in caplog.records]
    assert "no samples" in line
    assert str(tmp_path / "refused" / "a.report") in line


def test_what_was_never_kept_is_not_set_aside(tmp_path: Path, spool: Spool) -> None:
    Keeping(spool).set_aside("a", "no such attempt")
    assert not (tmp_path / "refused").exists()


def test_a_report_that_cannot_be_set_aside_stays(
    tmp_path: Path, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "refused").write_text("a file where the folder should be")
    reports = Keeping(spool)
    reports.keep("a", REPORT)
    with caplog.at_level(logging.ERROR):
        reports.set_aside("a", "no samples")
    assert reports.pending() == ("a",)
    assert "stays in the spool" in caplog.text


def test_bytes_that_are_no_report_any_more_are_told(spool: Spool) -> None:
    reports = Keeping(spool)
    reports.keep("a", REPORT)
    reports.keep("b", b"\xff\xff\xff")
    assert reports.find("a") == REPORT
    assert reports.find("c") is None
    with pytest.raises(MessageInvalid):
        reports.find("b")
    # Its answer would be one about another attempt, and it would be sent for ever.
    reports.keep("d", REPORT)
    with pytest.raises(MessageInvalid, match="of this attempt"):
        reports.find("d")


@given(st.binary(max_size=60))
def test_any_bytes_that_were_kept_are_a_report_or_told(content: bytes) -> None:
    with suppress(MessageInvalid):
        check_kept_report("a", content)
        assert fleet_pb2.Report.FromString(content).IsInitialized()


def test_so_many_are_kept_and_the_first_go(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "refused", max_reports=2, max_bytes=100)
    kept = [quarantine.keep(name, b"0" * 10) for name in ("a", "b", "c")]
    assert [path.exists() for path in kept] == [False, True, True]
    large = quarantine.keep("d", b"0" * 95)
    assert list((tmp_path / "refused").iterdir()) == [large]


@pytest.mark.parametrize("attempt_id", ["", "../../outside", "/outside", "a\0b", "x" * 1_000])
def test_no_attempt_is_a_path_out_of_the_folder(tmp_path: Path, attempt_id: str) -> None:
    path = Quarantine(tmp_path / "refused").keep(attempt_id, REPORT)
    assert path.parent == tmp_path / "refused"
    assert list(tmp_path.iterdir()) == [tmp_path / "refused"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="set aside"):
        Quarantine(tmp_path / "missing" / "refused").keep("a", REPORT)
