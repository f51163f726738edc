"""What the scripts of a deployment do on a board, run in a folder."""

import os
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from controller.server.deploying.board import read_facts


def run(script: str, *arguments: str) -> str:
    """What a script prints that ends well."""
    text = resources.files("controller.server.deploying").joinpath(f"scripts/{script}.sh")
    command = ["sh", "-s", "--", *arguments]
    said = text.read_text("utf-8")
    return subprocess.run(command, input=said, capture_output=True, text=True, check=True).stdout


def environment(base: Path, name: str, *, complete: bool) -> Path:
    folder = base / "environments" / name
    (folder / "lib").mkdir(parents=True)
    if complete:
        (folder / "complete").touch()
    return folder


def test_what_broke_off_is_swept_and_nothing_that_a_release_needs(tmp_path: Path) -> None:
    broken, whole = (environment(tmp_path, each, complete=each == "b") for each in "ab")
    running = environment(tmp_path, "c", complete=False)
    (tmp_path / "releases/1").mkdir(parents=True)
    for each in ("wheels/a", "runners/a", "runners/b"):
        (tmp_path / each).mkdir(parents=True)
    started = f"--native-runner={tmp_path}/runners/b/edgerank-runner"
    (tmp_path / "releases/1/agent").write_text(f"exec {running}/bin/edgerank {started}\n")
    assert int(run("sweep", str(tmp_path))) > 0
    assert [each.exists() for each in (broken, whole, running)] == [False, True, True]
    assert not (tmp_path / "wheels").exists()
    assert [each.name for each in (tmp_path / "runners").iterdir()] == ["b"]


def test_a_board_with_nothing_on_it_is_swept_too(tmp_path: Path) -> None:
    assert int(run("sweep", str(tmp_path / "none/yet"))) > 0


def test_who_an_agent_is_is_told_and_its_key_is_not(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    identity = '{"device_id": "0b1c-2d", "key_pem": "-----BEGIN \\"device_id\\": \\"x\\""}'
    (tmp_path / "state/identity.json").write_text(identity)
    printed = run("look", str(tmp_path))
    assert read_facts(printed)["device_id"] == ["0b1c-2d"]
    assert "BEGIN" not in printed


def test_a_switch_is_a_rename(tmp_path: Path) -> None:
    keeper = tmp_path / "home/keeper"
    for release in ("1", "2"):
        (tmp_path / "releases" / release).mkdir(parents=True)
        (tmp_path / "releases" / release / "keeper").write_text(release)
        run("switch", str(tmp_path), release, str(keeper))
        assert (tmp_path / "current").readlink() == Path("releases") / release
        assert keeper.read_text() == release
    assert sorted(each.name for each in tmp_path.iterdir()) == ["current", "home", "releases"]


def test_an_agent_that_cannot_run_is_given_up_and_its_words_are_kept(tmp_path: Path) -> None:
    supervise = resources.files("controller.server.deploying").joinpath("scripts/supervise.sh")
    (tmp_path / "supervise").write_text(supervise.read_text("utf-8"))
    (tmp_path / "current").mkdir()
    (tmp_path / "current/agent").write_text("echo the token is worth nothing; exit 2\n")
    run("service", "script", str(tmp_path), "start")
    assert run("service", "script", str(tmp_path), "running").strip() == "no"
    assert "worth nothing" in run("service", "script", str(tmp_path), "log")


def test_a_users_log_is_read_where_it_is_among_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As journalctl does where journals are kept in memory: no user has one of their own.
    said = 'case " $* " in *" --user "*) ;; *) echo "$*" ;; esac'
    (tmp_path / "journalctl").write_text(f"#!/bin/sh\n{said}\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    printed = run("service", "user", str(tmp_path), "log", "7").split()
    assert printed[:2] == ["--user-unit", "edgerank-agent.service"]
    assert printed[-2:] == ["-n", "7"]


def test_a_python_that_was_brought_stays_while_an_environment_needs_it(tmp_path: Path) -> None:
    for name in ("needed", "idle"):
        (tmp_path / "pythons" / name / "python/bin").mkdir(parents=True)
    kept, gone = (environment(tmp_path, each, complete=True) for each in ("kept", "gone"))
    (kept / "pyvenv.cfg").write_text(f"home = {tmp_path}/pythons/needed/python/bin\n")
    (gone / "pyvenv.cfg").write_text(f"home = {tmp_path}/pythons/idle/python/bin\n")
    run("prune", str(tmp_path), "environments/kept")
    assert [each.name for each in (tmp_path / "pythons").iterdir()] == ["needed"]
    assert kept.exists()
    assert not gone.exists()


def test_a_python_that_came_with_other_bytes_is_not_unpacked(tmp_path: Path) -> None:
    incoming = tmp_path / "pythons/incoming"
    incoming.mkdir(parents=True)
    file = incoming / "a.tar.gz"
    file.write_bytes(b"cut")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("unpack", str(tmp_path), "abc", str(file), "0" * 64)
    assert "other bytes" in refused.value.stderr
    assert not list((tmp_path / "pythons").iterdir())


def test_digests_are_told_of_files(tmp_path: Path) -> None:
    (tmp_path / "a b.whl").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (digest, _, name) = run("digests", str(tmp_path)).strip().partition(" ")
    assert (len(digest), name.strip()) == (64, "a b.whl")
