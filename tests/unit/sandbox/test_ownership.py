"""What of a folder others can read is named, and closed only when it is asked for."""

from pathlib import Path

from sandbox.ownership import make_private, nearest, open_to_others


def test_what_is_open_to_others_is_named_and_then_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name, mode in (("closed", 0o600), ("open", 0o604), ("of-a-group", 0o640)):
        (folder / name).touch()
        (folder / name).chmod(mode)
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    opened = {folder / "open", folder / "of-a-group"}
    assert set(open_to_others(folder)) == opened
    assert set(open_to_others(folder)) == opened
    assert set(make_private(folder)) == opened
    assert open_to_others(folder) == ()


def test_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert nearest(tmp_path) == tmp_path
    assert nearest(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "a").touch()
    assert nearest(tmp_path / "a" / "b") == tmp_path / "a"
