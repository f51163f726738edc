"""What a machine lacks is said in one sentence, by the script that makes the environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

SYSTEM_PATH = "/usr/bin:/bin"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script reads of a checkout, in a folder of its own."""
    folder = tmp_path / "checkout"
    for name in ("tools", "locks"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def set_up(
    checkout: Path, variables: Mapping[str, str], *before: str
) -> subprocess.CompletedProcess[str]:
    """Runs the script with these variables alone, in an empty home folder."""
    home = checkout.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [*before, checkout / "tools" / "environment"],
        env={"HOME": str(home), "PATH": SYSTEM_PATH, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def the_sentence(finished: subprocess.CompletedProcess[str]) -> str:
    """The last line of a run that failed as it should: no traceback, nothing on standard output."""
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished.stderr.splitlines()[-1]


def test_a_python310_that_is_none_is_refused(checkout: Path) -> None:
    sentence = the_sentence(set_up(checkout, {"PYTHON310": "/bin/true-python"}))
    assert "PYTHON310=/bin/true-python is not" in sentence
    assert not (checkout / ".venv").exists()


def test_a_shim_that_does_not_work_is_no_python310(checkout: Path, tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    # What pyenv's shim does where no version is chosen.
    (shims / "python3.10").write_text("#!/bin/sh\nexit 127\n")
    (shims / "python3.10").chmod(0o755)
    sentence = the_sentence(set_up(checkout, {"PATH": f"{shims}:{tools_without_python(tmp_path)}"}))
    assert "no Python 3.10" in sentence
    assert "pyenv install 3.10" in sentence


def tools_without_python(tmp_path: Path) -> Path:
    """A folder of the system's commands that has no Python, whatever this machine has."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in ("bash", "dirname", "cat", "sha256sum", "uname", "flock", "awk", "df", "rm"):
        found = shutil.which(name, path=SYSTEM_PATH)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def test_another_processor_is_told_what_works_there(checkout: Path) -> None:
    sentence = the_sentence(set_up(checkout, {}, "setarch", "i686"))
    assert "x86-64 Linux only" in sentence
    assert "pip install '.[agent,onnxruntime]'" in sentence


def test_no_network_is_said_and_the_next_run_starts_afresh(checkout: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        variables = {
            "PYTHON310": sys.executable,
            "PIP_INDEX_URL": nowhere,
            "PIP_CONFIG_FILE": os.devnull,
        }
        first = set_up(checkout, variables)
        assert "index cannot be" in the_sentence(first)
        second = set_up(checkout, variables)
    assert "removing .venv," in second.stderr
    assert "index cannot be" in the_sentence(second)
