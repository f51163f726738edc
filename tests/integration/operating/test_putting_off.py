"""A restore that is put off is told of, can be taken back, and is of the controller's own user."""

import os
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server import restoring
from controller.server.backup import make_backup
from controller.server.examination import restore_found
from controller.server.restoring import STAGED, forget_restore, settle_restores, stage_backup
from controller.state.database import claim_state
from protos.checks import CheckOutcome
from tests.integration.operating.test_backup import NOW, names, with_another
from tests.processes import edgerank


@pytest.fixture
def backup(state: Path, tmp_path: Path) -> Path:
    """Of the state, before another device came to it."""
    make_backup(state, tmp_path / "backup", NOW)
    with_another(state)
    return tmp_path / "backup"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.msg["event"] if isinstance(record.msg, dict) else str(record.msg)
        for record in caplog.records
    ]


def test_what_is_put_off_is_taken_back_beside_who_serves(backup: Path, state: Path) -> None:
    with claim_state(state):
        stage_backup(backup, state)
        forget_restore(state)
        with pytest.raises(EdgerankError) as refused:
            forget_restore(state)
    assert refused.value.code is ErrorCode.PRECONDITION
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    assert not list(state.glob("*restore-*"))


def test_the_doctor_tells_since_when_a_restore_waits(backup: Path, state: Path) -> None:
    assert restore_found(state).outcome is CheckOutcome.OK
    stage_backup(backup, state)
    os.utime(state / STAGED, (1_790_000_000, 1_790_000_000))
    found = restore_found(state)
    assert found.outcome is CheckOutcome.WARNING
    assert "since 2026-09-21 14:13 UTC" in found.found
    assert "--forget" in found.advice
    forget_restore(state)
    assert restore_found(state).outcome is CheckOutcome.OK


def test_a_start_tells_that_it_does_what_was_put_off(
    backup: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settle_restores(state)
    assert not told(caplog)
    stage_backup(backup, state)
    settle_restores(state)
    begun, done = told(caplog)
    assert (begun, done) == (
        "a restore that was put off begins",
        "a backup took the place of what was there",
    )


def test_the_command_takes_back_and_says_what(backup: Path, state: Path) -> None:
    place = ("--state", str(state))
    put_off = edgerank("restore", str(backup), *place, "--at-next-start")
    assert (put_off.returncode, "--forget" in put_off.stdout) == (0, True)
    taken_back = edgerank("restore", "--forget", *place)
    assert (taken_back.returncode, "UTC" in taken_back.stdout) == (0, True), taken_back.stderr
    assert not (state / STAGED).exists()
    again = edgerank("restore", "--forget", *place)
    assert (again.returncode, again.stderr.count("error:")) == (4, 1)
    for wrong in (("--forget", str(backup)), ("--forget", "--at-next-start"), ()):
        done = edgerank("restore", *wrong, *place)
        assert done.returncode == 2
        assert "--forget" in done.stderr


def test_what_another_user_puts_there_is_refused(
    backup: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: state.stat().st_uid + 1)
    before = set(state.iterdir())
    with pytest.raises(EdgerankError, match="sudo -u") as refused:
        stage_backup(backup, state)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert set(state.iterdir()) == before


@pytest.mark.parametrize("is_put_off", [True, False])
def test_what_cannot_be_cleared_is_told_as_that_and_holds_up_no_restore(
    backup: Path,
    state: Path,
    is_put_off: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if is_put_off:
        stage_backup(backup, state)

    def refuse(_parent: Path, _prefix: str) -> None:
        raise PermissionError(13, "Permission denied", "access")

    monkeypatch.setattr(restoring, "clear_folders", refuse)
    settle_restores(state)
    first, *others = told(caplog)
    assert first.startswith("what a killed restore left cannot be removed")
    assert not [each for each in others if "could not be restored" in each]
    assert names(state) == ({"phone"} if is_put_off else {"phone", "board"})
