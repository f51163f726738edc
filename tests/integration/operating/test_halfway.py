"""A backup or a restore that was killed or failed midway leaves what was there, and no rest."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import UNFINISHED, clear_backups, make_backup
from controller.server.exchanging import undo_restore
from controller.server.leftovers import clear_folders, working_folder
from controller.server.restoring import STAGED, restore_backup, settle_restores, stage_backup
from controller.state.devices import enrol
from tests.integration.controller.domain_samples import hello
from tests.integration.operating.conftest import opened
from tests.integration.operating.test_backup import KEPT, NOW, contents, names

# Ends as it writes the archive.
BACK_UP_AND_DIE = """
import os, signal, sys
from pathlib import Path
from controller.server import backup
backup._write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
backup.make_backup(Path(sys.argv[1]), Path(sys.argv[2]), 0)
"""
# Ends before the n-th file or folder is moved.
_DYING = """
import os, signal, sys
from pathlib import Path
from controller.server.restoring import restore_backup, settle_restores
left, rename = [int(sys.argv[3])], Path.rename
def dying(path, target):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
Path.rename = dying
"""
RESTORE_AND_DIE = f"{_DYING}restore_backup(Path(sys.argv[1]), Path(sys.argv[2]))"
START_AND_DIE = f"{_DYING}settle_restores(Path(sys.argv[2]))"
# Ends before the n-th file or folder is removed.
STAGE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from controller.server.restoring import stage_backup
left = [int(sys.argv[3])]
def dying(remove):
    def removing(*arguments, **named):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return remove(*arguments, **named)
    return removing
os.unlink, os.rmdir = dying(os.unlink), dying(os.rmdir)
stage_backup(Path(sys.argv[1]), Path(sys.argv[2]))
"""
# Ends once it has found what is put off, and before it has noted what it moves.
START_AND_DIE_EARLY = """
import os, signal, sys
from pathlib import Path
from controller.server import restoring
restoring.Manifest.from_json = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
restoring.settle_restores(Path(sys.argv[1]))
"""
# What is restored is taken up; three folders and the database go aside, and as many in their place.
MOVES = 9


def run(script: str, *arguments: object) -> int:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], check=False
    ).returncode


@pytest.fixture
def backup(state: Path, tmp_path: Path) -> Path:
    """Of the state, before another device came to it and a key went."""
    make_backup(state, tmp_path / "backup", NOW)
    database = opened(state)
    enrol(database, hello("board"), now_unix_ms=0)
    database.close()
    (state / "weights" / "own" / "abc123" / "notes.txt").write_text("of later")
    return tmp_path / "backup"


def entries(state: Path) -> set[str]:
    """What is in a state, but for what SQLite and locks keep beside."""
    beside = re.compile(r".*\.lock|.*-(wal|shm)")
    return {each.name for each in state.iterdir() if not beside.fullmatch(each.name)}


def test_what_a_killed_backup_left_goes_with_the_next_one(state: Path, tmp_path: Path) -> None:
    before = entries(state)
    for _ in range(2):
        assert run(BACK_UP_AND_DIE, state, tmp_path / "backup") == -9
        assert len(entries(state) - before) == 1
        assert len(list(tmp_path.glob(".backup.*.part"))) == 1
    make_backup(state, tmp_path / "backup", NOW)
    assert entries(state) == before
    assert not list(tmp_path.glob(".backup.*"))


def test_or_when_the_controller_starts(state: Path, tmp_path: Path) -> None:
    (state / ".edgerank-backup-mine.tar.gz").write_bytes(b"a person's")
    before = entries(state)
    assert run(BACK_UP_AND_DIE, state, tmp_path / "backup") == -9
    assert entries(state) != before
    clear_backups(state)
    assert entries(state) == before


def test_what_somebody_works_in_is_left_alone(tmp_path: Path) -> None:
    with working_folder(tmp_path, ".work-") as first:
        (first / "file").touch()
        with working_folder(tmp_path, ".work-") as second:
            clear_folders(tmp_path, ".work-")
            assert (first / "file").exists()
            assert second.exists()
        assert not second.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nth", range(1, MOVES + 1))
def test_a_restore_that_fails_midway_moves_back(
    backup: Path, state: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    before, there = contents(state, *KEPT), entries(state)
    count, rename = 0, Path.rename

    def failing(path: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == nth:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(EdgerankError) as failed:
        restore_backup(backup, state)
    monkeypatch.undo()
    assert failed.value.code is ErrorCode.STORAGE
    assert names(state) == {"phone", "board"}
    assert (contents(state, *KEPT), entries(state)) == (before, there)


@pytest.mark.parametrize("nth", range(1, MOVES + 1))
def test_a_restore_that_is_killed_midway_is_undone_at_the_next_start(
    backup: Path, state: Path, tmp_path: Path, nth: int
) -> None:
    before = contents(state, *KEPT)
    assert run(RESTORE_AND_DIE, backup, state, nth) == -9
    with pytest.raises(EdgerankError) as refused:
        make_backup(state, tmp_path / "another", NOW)
    assert refused.value.code is ErrorCode.PRECONDITION
    undo_restore(state)
    assert names(state) == {"phone", "board"}
    assert contents(state, *KEPT) == before
    assert UNFINISHED not in entries(state)
    undo_restore(state)
    restore_backup(backup, state)
    assert names(state) == {"phone"}


@pytest.mark.parametrize("nth", range(1, MOVES + 1))
def test_a_start_that_is_killed_while_it_restores_ends_with_the_one_or_the_other(
    backup: Path, state: Path, nth: int
) -> None:
    before = contents(state, *KEPT)
    stage_backup(backup, state)
    assert run(START_AND_DIE, backup, state, nth) == -9
    settle_restores(state)
    assert not left(state)
    if nth == 1:
        # It had not begun, and is done now.
        assert names(state) == {"phone"}
        return
    assert names(state) == {"phone", "board"}
    assert contents(state, *KEPT) == before


def test_a_start_that_is_killed_before_it_moves_anything_loses_no_restore(
    backup: Path, state: Path
) -> None:
    stage_backup(backup, state)
    assert run(START_AND_DIE_EARLY, state) == -9
    settle_restores(state)
    assert names(state) == {"phone"}
    assert not left(state)


@pytest.mark.parametrize("nth", range(1, 12, 2))
def test_what_is_put_off_and_killed_while_another_takes_its_place_is_not_restored_in_part(
    backup: Path, state: Path, nth: int
) -> None:
    kept = contents(state, *KEPT)
    stage_backup(backup, state)
    assert run(STAGE_AND_DIE, backup, state, nth) == -9
    settle_restores(state)
    assert not left(state)
    assert (names(state), contents(state, *KEPT)) == ({"phone", "board"}, kept)


def test_what_killed_restores_left_goes_at_a_start_that_restores_nothing(state: Path) -> None:
    for name in (".edgerank-restore-abc", "restoring-abc"):
        (state / name / "access").mkdir(parents=True)
        (state / name / "access" / "authority-1.pem").touch()
    settle_restores(state)
    assert not left(state)


def left(state: Path) -> list[Path]:
    """What restores keep for themselves."""
    return [path for name in (STAGED, "*restoring*", ".edgerank-*") for path in state.glob(name)]


def test_a_restore_into_nothing_that_is_killed_leaves_nothing(backup: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    assert run(RESTORE_AND_DIE, backup, fresh, 3) == -9
    undo_restore(fresh)
    assert contents(fresh, *KEPT) == {}
    restore_backup(backup, fresh)
    assert names(fresh) == {"phone"}
