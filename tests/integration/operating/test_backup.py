"""A backup is what was there at one moment; nothing but a whole one takes a place."""

import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import MANIFEST, make_backup
from controller.server.restoring import STAGED, restore_backup, settle_restores, stage_backup
from controller.state.database import claim_state
from controller.state.devices import enrol, list_devices
from tests.integration.controller.domain_samples import hello
from tests.integration.operating.conftest import opened

NOW = 1_790_000_000_000


def names(state: Path) -> set[str]:
    """The devices that a state knows."""
    database = opened(state)
    found = {device.name for device in list_devices(database, frozenset())}
    database.close()
    return found


def contents(state: Path, *folders: str) -> dict[str, bytes]:
    return {
        path.relative_to(state).as_posix(): path.read_bytes()
        for folder in folders
        for path in (state / folder).rglob("*")
        if path.is_file()
    }


KEPT = ("access", "artifacts", "weights/own")


def test_a_backup_is_restored_to_what_was_there(state: Path, tmp_path: Path) -> None:
    made = make_backup(state, tmp_path / "backup", NOW)
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
    fresh = tmp_path / "fresh"
    restored, aside = restore_backup(tmp_path / "backup", fresh)
    assert (restored, aside) == (made, None)
    assert names(fresh) == {"phone"}
    assert contents(fresh, *KEPT) == contents(state, *KEPT)
    assert len(contents(fresh, *KEPT)) == 3
    # What can be fetched again is not in it.
    assert not (fresh / "weights" / "MobileNetV1").exists()
    assert not [path for path in fresh.rglob("*") if path.stat().st_mode & 0o077]


def test_a_backup_is_made_while_somebody_writes(state: Path, tmp_path: Path) -> None:
    with claim_state(state):
        served = opened(state)
        with served.transaction() as transaction:
            transaction.exec_driver_sql("UPDATE devices SET name = 'renamed'")
            # Not committed, so it is not what was there.
            make_backup(state, tmp_path / "backup", NOW)
        enrol(served, hello("board"), now_unix_ms=0)
        served.close()
    restore_backup(tmp_path / "backup", tmp_path / "fresh")
    assert names(tmp_path / "fresh") == {"phone"}
    assert names(state) == {"renamed", "board"}
    assert not list(state.glob("*backup-*"))


def test_what_was_there_is_kept_aside(state: Path, tmp_path: Path) -> None:
    make_backup(state, tmp_path / "backup", NOW)
    database = opened(state)
    enrol(database, hello("board"), now_unix_ms=0)
    database.close()
    before = contents(state, *KEPT)
    _manifest, aside = restore_backup(tmp_path / "backup", state)
    assert aside is not None
    assert names(state) == {"phone"}
    assert names(aside) == {"phone", "board"}
    assert contents(aside, *KEPT) == before
    # A download is nobody's state.
    assert (state / "weights" / "MobileNetV1" / "model.onnx").exists()


def test_a_folder_that_is_served_is_left_alone(state: Path, tmp_path: Path) -> None:
    make_backup(state, tmp_path / "backup", NOW)
    with claim_state(state), pytest.raises(EdgerankError) as refused:
        restore_backup(tmp_path / "backup", state)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert names(state) == {"phone"}


def with_another(state: Path) -> None:
    """Something that came after a backup."""
    database = opened(state)
    enrol(database, hello("board"), now_unix_ms=0)
    database.close()


def test_a_backup_is_read_beside_who_serves_and_restored_at_the_next_start(
    state: Path, tmp_path: Path
) -> None:
    made = make_backup(state, tmp_path / "backup", NOW)
    kept = contents(state, *KEPT)
    with claim_state(state):
        with_another(state)
        assert stage_backup(tmp_path / "backup", state) == made
        assert names(state) == {"phone", "board"}
    settle_restores(state)
    assert names(state) == {"phone"}
    assert contents(state, *KEPT) == kept
    (aside,) = state.glob("before-restore-*")
    assert names(aside) == {"phone", "board"}
    with_another(state)
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    assert not [path for path in state.rglob("*") if path.stat().st_mode & 0o077]


def test_what_was_put_off_is_let_go_by_what_is_restored_later(state: Path, tmp_path: Path) -> None:
    make_backup(state, tmp_path / "first", NOW)
    with_another(state)
    make_backup(state, tmp_path / "second", NOW)
    stage_backup(tmp_path / "first", state)
    stage_backup(tmp_path / "second", state)
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    stage_backup(tmp_path / "second", state)
    restore_backup(tmp_path / "first", state)
    settle_restores(state)
    assert names(state) == {"phone"}


def test_what_is_put_off_and_damaged_is_told_or_leaves_what_was_there(
    state: Path, tmp_path: Path
) -> None:
    make_backup(state, tmp_path / "backup", NOW)
    with_another(state)
    stage_backup(tmp_path / "backup", state)
    (state / STAGED / MANIFEST).write_bytes(b"rotten")
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    (tmp_path / "backup").write_bytes(_cut((tmp_path / "backup").read_bytes()))
    with pytest.raises(EdgerankError) as refused:
        stage_backup(tmp_path / "backup", state)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    assert not list(state.glob("*restore-*"))


def _gone(file: Path) -> None:
    file.unlink()


def _shorter(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [_gone, _shorter])
@pytest.mark.parametrize("file", ["controller.sqlite", "artifacts/*/*", "access/*", MANIFEST])
def test_what_is_put_off_is_restored_with_all_of_its_files_or_not_at_all(
    state: Path, tmp_path: Path, file: str, harm: Callable[[Path], None]
) -> None:
    make_backup(state, tmp_path / "backup", NOW)
    with_another(state)
    kept = contents(state, *KEPT)
    stage_backup(tmp_path / "backup", state)
    [found] = (state / STAGED).glob(file)
    harm(found)
    settle_restores(state)
    assert names(state) == {"phone", "board"}
    assert contents(state, *KEPT) == kept
    assert not list(state.glob("*restore-*"))


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def _flipped(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


@pytest.mark.parametrize("harm", [_cut, _flipped, lambda _content: b"", lambda _content: b"text"])
def test_a_damaged_backup_touches_nothing(
    state: Path, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "backup"
    make_backup(state, path, NOW)
    path.write_bytes(harm(path.read_bytes()))
    before = contents(state, *KEPT)
    with pytest.raises(EdgerankError) as refused:
        restore_backup(path, state)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert names(state) == {"phone"}
    assert contents(state, *KEPT) == before
    assert not list(state.glob("*restor*-*"))


Members = list[tuple[tarfile.TarInfo, bytes]]


def rewritten(path: Path, change: Callable[[Members], None]) -> None:
    """Unpacks a backup, changes its members, and packs it again."""
    with tarfile.open(path) as archive:
        members: Members = []
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            members.append((member, file.read()))
    change(members)
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))


def _without_a_file(members: Members) -> None:
    members[:] = [each for each in members if not each[0].name.startswith("artifacts/")]


def _with_other_bytes(members: Members) -> None:
    at = next(n for n, each in enumerate(members) if each[0].name.startswith("artifacts/"))
    members[at] = (members[at][0], b"other bytes")


def _outside(members: Members) -> None:
    members.insert(0, (tarfile.TarInfo("../outside"), b"x"))


def _through_a_link(members: Members) -> None:
    link = tarfile.TarInfo("access")
    link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
    members.insert(0, (link, b""))


def _of_a_later_format(members: Members) -> None:
    document = json.loads(members[-1][1])
    members[-1] = (members[-1][0], json.dumps(document | {"format": 2}).encode())


def _with_an_odd_manifest(members: Members) -> None:
    members[-1] = (members[-1][0], b'{"format": 1, "files": []}')


def _without_a_manifest(members: Members) -> None:
    assert members.pop()[0].name == MANIFEST


@pytest.mark.parametrize(
    "change",
    [
        _without_a_file,
        _with_other_bytes,
        _outside,
        _through_a_link,
        _of_a_later_format,
        _with_an_odd_manifest,
        _without_a_manifest,
    ],
)
def test_a_backup_that_is_not_as_it_was_made_touches_nothing(
    state: Path, tmp_path: Path, change: Callable[[Members], None]
) -> None:
    path = tmp_path / "backup"
    make_backup(state, path, NOW)
    rewritten(path, change)
    with pytest.raises(EdgerankError) as refused:
        restore_backup(path, state)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert names(state) == {"phone"}
    assert not (tmp_path / "outside").exists()


def test_a_backup_of_a_newer_edgerank_is_refused(state: Path, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    make_backup(state, path, NOW)

    def newer(members: Members) -> None:
        document = json.loads(members[-1][1]) | {"schema_revision": "9999"}
        members[-1] = (members[-1][0], json.dumps(document).encode())

    rewritten(path, newer)
    with pytest.raises(EdgerankError) as refused:
        restore_backup(path, state)
    assert refused.value.code is ErrorCode.PRECONDITION


def test_what_cannot_be_backed_up_is_told(state: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as no_state:
        make_backup(tmp_path, tmp_path / "backup", NOW)
    (tmp_path / "there").touch()
    with pytest.raises(EdgerankError) as is_there:
        make_backup(state, tmp_path / "there", NOW)
    assert {no_state.value.code, is_there.value.code} == {ErrorCode.INVALID_INPUT}
    assert (tmp_path / "there").read_bytes() == b""
    (state / "weights" / "own" / "abc123" / "model.onnx").unlink()
    (state / "weights" / "own" / "abc123").rmdir()
    with pytest.raises(EdgerankError) as incomplete:
        make_backup(state, tmp_path / "backup", NOW)
    assert incomplete.value.code is ErrorCode.STORAGE
    assert not (tmp_path / "backup").exists()
    with pytest.raises(EdgerankError) as nothing:
        restore_backup(tmp_path / "nowhere", state)
    assert nothing.value.code is ErrorCode.INVALID_INPUT
