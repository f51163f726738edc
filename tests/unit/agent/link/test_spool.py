"""Reports stay until they are forgotten, whatever happens to the process."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.link.kept.spool import Spool
from agent.state_folder import StateUnusable

PUT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from agent.link.kept.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.put("a", b"first")
spool.put("b", b"second")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_reports_survive_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    subprocess.run([sys.executable, "-c", PUT_AND_DIE, str(path)], check=False)
    spool = Spool(path)
    assert spool.pending() == ("a", "b")
    assert spool.get("a") == b"first"


def test_a_forgotten_report_is_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.put("a", b"first")
    spool.forget("a")
    spool.forget("never there")
    assert spool.pending() == ()
    assert spool.get("a") is None


def test_the_first_report_of_an_attempt_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.put("a", b"first")
    spool.put("a", b"other")
    assert spool.get("a") == b"first"


def test_a_spool_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="unable to open"):
        Spool(tmp_path / "missing" / "spool.sqlite")
