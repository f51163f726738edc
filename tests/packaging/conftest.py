"""The wheel as a person would get it, and an agent's environment made from it, once a session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.processes.sharing import made_once

ROOT = Path(__file__).resolve().parents[2]

# What git ignores too: nothing that a fresh clone would lack may reach the wheel.
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist"
)


def run(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command without this environment's variables; its end may be any."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    }
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def run_ok(command: Sequence[str | Path], cwd: Path) -> str:
    """Like `run`, but the command has to succeed; returns its standard output."""
    finished = run(command, cwd)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def run_uv(arguments: Sequence[str | Path], cwd: Path) -> str:
    """Runs the locked uv, which has to succeed; returns its standard output."""
    return run_ok([find_uv_bin(), *arguments], cwd)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout's source, so that building leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "edgerank"
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCE)
    return copy


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, so that this one is complete as well."""

    def build(folder: Path) -> None:
        command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source)
        run_ok(command, source)

    folder = made_once(tmp_path_factory, "dist", build)
    (built,) = folder.glob("*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """An environment into which only `edgerank` with some extra was installed."""

    folder: Path

    @property
    def edgerank(self) -> Path:
        return self.folder / "bin" / "edgerank"

    def distributions(self) -> set[str]:
        """Names of what is installed, normalised to lower case and hyphens."""
        listed = run_uv(
            ["pip", "list", "--python", self.folder / "bin" / "python", "--format", "json"],
            self.folder,
        )
        return {entry["name"].lower().replace("_", "-") for entry in json.loads(listed)}


def install(wheel: Path, extra: str, folder: Path) -> Installed:
    """A fresh environment with `edgerank[extra]` and nothing else."""
    run_uv(["venv", "--python", sys.executable, folder], folder.parent)
    run_uv(
        [
            *("pip", "install", "--python", folder / "bin" / "python"),
            *("--compile-bytecode", f"{wheel}[{extra}]"),
        ],
        folder.parent,
    )
    return Installed(folder)


@pytest.fixture(scope="session")
def agent_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(wheel, "agent", tmp_path_factory.mktemp("agent") / "venv")
