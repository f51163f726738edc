"""An agent installs from wheels alone on every Python and processor that is promised."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, run_uv

every_python = pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
every_platform = pytest.mark.parametrize(
    "platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28"]
)


def resolve_to_wheels(requirements: Path, python: str, platform: str) -> set[str]:
    """Names of the distributions that an installation of the requirements would bring."""
    resolved = run_uv(
        [
            *("pip", "compile", "--only-binary", ":all:", "--no-header", "--no-annotate"),
            # Without an interpreter named, uv looks for one of that version on the network.
            *("--python", sys.executable, "--python-version", python),
            *("--python-platform", platform, requirements),
        ],
        requirements.parent,
    )
    return {line.split("==")[0].split(" @ ")[0] for line in resolved.splitlines()}


@every_platform
@every_python
@pytest.mark.parametrize("extras", ["agent", "agent,onnxruntime"])
def test_the_extras_of_an_agent_resolve_to_wheels(
    extras: str, python: str, platform: str, wheel: Path, tmp_path: Path
) -> None:
    requirements = tmp_path / "requirements.in"
    requirements.write_text(f"edgerank[{extras}] @ {wheel.as_uri()}\n")
    names = resolve_to_wheels(requirements, python, platform)
    assert {"edgerank", "grpcio", "numpy", "psutil"} <= names
    assert ("onnxruntime" in names) == ("onnxruntime" in extras)


@every_platform
@every_python
def test_the_lock_of_an_agent_resolves_to_wheels(python: str, platform: str) -> None:
    names = resolve_to_wheels(ROOT / "locks" / "agent.txt", python, platform)
    assert {"grpcio", "numpy", "psutil", "onnxruntime"} <= names
