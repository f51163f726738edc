"""A spool that the disk spoiled stops no agent, and loses only what cannot be read any more."""

import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.link.kept.keeping import Keeping
from agent.link.kept.spool import Spool
from agent.link.kept.spool_file import MOST_SET_ASIDE, list_set_aside
from agent.state_folder import StateUnusable
from protos.codec import MessageInvalid
from tests.unit.agent.link.damaging import damage, fill

# Ends at the n-th time that a file is moved, before it is.
OPEN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from agent.link.kept.spool import Spool
left = [int(sys.argv[2])]
def dying(move):
    def moved(*arguments):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return move(*arguments)
    return moved
Path.rename, Path.replace = dying(Path.rename), dying(Path.replace)
Spool(Path(sys.argv[1])).close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


def pending(path: Path) -> tuple[str, ...]:
    spool = Spool(path)
    found = spool.pending()
    assert all(spool.get(attempt_id) == bytes(1_000) for attempt_id in found)
    spool.close()
    return found


def test_what_can_be_read_of_a_damaged_spool_is_kept_in_order(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, reports=200)
    content = damage(path)
    with caplog.at_level(logging.ERROR):
        kept = pending(path)
    # From either end up to where it is damaged.
    assert 100 < len(kept) < 200
    assert (kept[0], kept[-1]) == ("attempt-000", "attempt-199")
    assert list(kept) == sorted(kept)
    aside = path.parent / "damaged" / "1"
    assert (aside / path.name).read_bytes() == content
    (line,) = [record.getMessage() for record in caplog.records]
    assert str(aside) in line
    assert pending(path) == kept
    assert len(list_set_aside(path)) == 1


def test_a_file_that_is_no_spool_is_set_aside_and_a_new_one_used(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)
    spool = Spool(path)
    spool.put("a", b"first")
    assert spool.pending() == ("a",)
    spool.close()
    assert (path.parent / "damaged" / "1" / path.name).read_bytes()[:9] == b"something"


@pytest.mark.parametrize("nth_move", [1, 2, 3, 4])
def test_who_is_killed_while_it_sets_a_spool_aside_loses_nothing_by_it(
    path: Path, nth_move: int
) -> None:
    fill(path, reports=200)
    damage(path)
    # As an agent leaves it that was killed.
    path.with_name(f"{path.name}-wal").touch()
    command = [sys.executable, "-c", OPEN_AND_DIE, str(path), str(nth_move)]
    subprocess.run(command, check=False)
    kept = pending(path)
    assert len(kept) > 100
    assert (kept[0], kept[-1]) == ("attempt-000", "attempt-199")
    assert (path.parent / "damaged" / "1" / path.name).exists()
    assert [each.name for each in path.parent.iterdir() if "fresh" in each.name] == []


def test_a_spool_that_is_whole_is_used_on_whatever_lies_beside_it(path: Path) -> None:
    fill(path, reports=3)
    path.with_name(f"{path.name}.fresh").write_bytes(b"half of one")
    assert len(pending(path)) == 3
    assert list_set_aside(path) == []


def test_only_so_many_are_set_aside(path: Path) -> None:
    for _ in range(MOST_SET_ASIDE + 2):
        path.write_bytes(b"something else entirely" * 100)
        Spool(path).close()
    numbers = [int(each.name) for each in list_set_aside(path)]
    assert numbers == list(range(3, MOST_SET_ASIDE + 3))


def test_one_that_is_spoiled_while_it_is_used_ends_no_agent(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(path, reports=2)
    spool = Spool(path)
    reports = Keeping(spool)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA writable_schema=ON")
        other.execute("UPDATE sqlite_master SET rootpage = 9999 WHERE name = 'report'")
        other.execute("PRAGMA schema_version = 1000")
        other.commit()
    with pytest.raises(StateUnusable, match="start the agent again"):
        spool.get("attempt-000")
    with pytest.raises(MessageInvalid):
        reports.find("attempt-000")
    with caplog.at_level(logging.ERROR):
        reports.set_aside("attempt-000", "it cannot be read")
        reports.forget("attempt-001")
        reports.keep("attempt-002", b"measured meanwhile")
    assert "stays in the spool" in caplog.text
    assert "in memory only" in caplog.text
    spool.close()
