"""One agent at a time holds a state folder, and a device keeps its identity."""

import uuid
from pathlib import Path

import pytest

from agent.state_folder import StateUnusable, device_id, locked_state_folder


def test_a_device_keeps_the_id_that_it_made(tmp_path: Path) -> None:
    made = device_id(tmp_path)
    assert uuid.UUID(made).version == 4
    assert device_id(tmp_path) == made


def test_two_devices_have_two_ids(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert device_id(tmp_path / "one") != device_id(tmp_path / "two")


def test_a_file_that_holds_no_id_is_told(tmp_path: Path) -> None:
    (tmp_path / "device_id").write_bytes(b"\xff\xfe?")
    with pytest.raises(StateUnusable, match="no device id"):
        device_id(tmp_path)


def test_a_folder_is_made_and_held(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "agent"
    with (
        locked_state_folder(folder),
        pytest.raises(StateUnusable, match=f"another agent .*{folder}"),
    ):
        locked_state_folder(folder).__enter__()
    with locked_state_folder(folder) as held:
        assert held == folder


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match=r"another state folder$"):
        locked_state_folder(tmp_path / "file" / "agent").__enter__()
