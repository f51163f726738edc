"""The wheel that a deployment makes of an installation is the one that a build makes."""

from __future__ import annotations

import zipfile
from email.parser import Parser
from pathlib import Path

from controller.server.deploying.brought.packing import pack_wheel
from tests.packaging.conftest import run_uv


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}


def test_it_holds_what_a_built_one_holds(wheel: Path, tmp_path: Path) -> None:
    ours, built = contents(pack_wheel(tmp_path)), contents(wheel)
    assert set(ours) == set(built)
    written_anew = ("/RECORD", "/WHEEL", "/METADATA")
    assert [name for name in ours if ours[name] != built[name]] == [
        name for name in ours if name.endswith(written_anew) and ours[name] != built[name]
    ]
    [metadata] = [name for name in ours if name.endswith("/METADATA")]
    ours_told, built_told = (Parser().parsestr(each[metadata].decode()) for each in (ours, built))
    for field in ("Name", "Version", "Requires-Python", "Requires-Dist", "Provides-Extra"):
        assert ours_told.get_all(field) == built_told.get_all(field)


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
    first, second = (pack_wheel(folder).read_bytes() for folder in folders)
    assert first == second


def test_it_can_be_installed(tmp_path: Path) -> None:
    made = pack_wheel(tmp_path)
    target = tmp_path / "target"
    run_uv(["pip", "install", "--no-deps", "--target", target, made], tmp_path)
    assert (target / "controller/server/deploying/scripts/supervise.sh").exists()
    assert (target / "bin/edgerank").exists()
