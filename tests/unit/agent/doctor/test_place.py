"""An examination says what of the state folder is wrong, and changes nothing in it."""

from pathlib import Path

from agent.doctor.place import (
    folder_found,
    identity_found,
    refused_found,
    spool_found,
)
from agent.link.kept.spool import Spool
from protos.checks import CheckOutcome, Finding
from sandbox.ownership import newest_unix_ms
from tests.unit.agent.link.damaging import damage, fill


def outcomes(*findings: Finding) -> dict[str, CheckOutcome]:
    return {each.check: each.outcome for each in findings}


def test_a_folder_of_its_owner_alone_is_fine(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = outcomes(*folder_found(tmp_path, needed_bytes=0))
    assert found == {"folder": CheckOutcome.OK, "room": CheckOutcome.OK}
    # One that there is not yet, in a folder that can be written.
    found = outcomes(*folder_found(tmp_path / "new" / "agent", needed_bytes=0))
    assert found == {"folder": CheckOutcome.OK, "room": CheckOutcome.OK}


def test_a_folder_that_others_read_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert outcomes(*folder_found(tmp_path, needed_bytes=0))["folder"] is CheckOutcome.WARNING
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    tmp_path.chmod(0o700)
    (tmp_path / "identity.json").touch(mode=0o644)
    (tmp_path / "identity.json").chmod(0o644)
    folder, _room = folder_found(tmp_path, needed_bytes=0)
    assert "identity.json" in folder.found


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [found] = folder_found(tmp_path / "file" / "agent")
    assert found.outcome is CheckOutcome.FAILED


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert outcomes(*folder_found(tmp_path, needed_bytes=10**18))["room"] is CheckOutcome.FAILED


def test_who_the_device_is_is_told(tmp_path: Path) -> None:
    found, identity = identity_found(tmp_path)
    assert (found.outcome, identity) == (CheckOutcome.WARNING, None)
    (tmp_path / "device_id").write_text("4f0c5f0e-5f3c-4b57-9a3e-2f4a6d9a6f11\n")
    assert identity_found(tmp_path)[0].outcome is CheckOutcome.OK
    (tmp_path / "device_id").write_text("nobody\n")
    assert identity_found(tmp_path)[0].outcome is CheckOutcome.FAILED
    (tmp_path / "identity.json").write_text("{")
    found, identity = identity_found(tmp_path)
    assert (found.outcome, identity) == (CheckOutcome.FAILED, None)
    assert "identity.json" in found.found


def test_reports_that_wait_are_counted_while_an_agent_runs(tmp_path: Path) -> None:
    assert spool_found(tmp_path).outcome is CheckOutcome.OK
    spool = Spool(tmp_path / "spool.sqlite")
    assert spool_found(tmp_path).outcome is CheckOutcome.OK
    spool.put("attempt", b"report")
    waiting = spool_found(tmp_path)
    spool.close()
    assert waiting.outcome is CheckOutcome.WARNING
    assert waiting.found.endswith(": 1")


def test_reports_that_were_refused_are_counted(tmp_path: Path) -> None:
    assert refused_found(tmp_path).outcome is CheckOutcome.OK
    spool = Spool(tmp_path / "spool.sqlite")
    spool.set_aside("attempt", b"report")
    spool.close()
    found = refused_found(tmp_path)
    assert found.outcome is CheckOutcome.WARNING
    assert str(tmp_path / "refused") in found.found


def test_a_damaged_spool_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    fill(path, reports=200)
    content = damage(path)
    found = spool_found(tmp_path)
    assert found.outcome is CheckOutcome.FAILED
    assert path.read_bytes() == content
    path.write_bytes(b"no database at all" * 100)
    assert spool_found(tmp_path).outcome is CheckOutcome.FAILED
    Spool(path).close()
    set_aside = spool_found(tmp_path)
    assert set_aside.outcome is CheckOutcome.WARNING
    assert set_aside.found.endswith(str(tmp_path / "damaged" / "1"))


def test_the_newest_file_tells_when_somebody_wrote_there(tmp_path: Path) -> None:
    assert newest_unix_ms(tmp_path / "nothing") == 0
    (tmp_path / "file").touch()
    assert newest_unix_ms(tmp_path) > 1_700_000_000_000
