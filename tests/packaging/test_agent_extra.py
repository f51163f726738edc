"""`pip install edgerank[agent]` fits a board: small, and without paddle, SQL or web packages."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

from tests.packaging.conftest import Installed, run, run_ok

# What the controller, the converters and the report need, and no board should have to carry.
NOT_FOR_A_BOARD = (
    *("paddle*", "onnxruntime", "sqlalchemy", "alembic", "obstore", "scipy", "jinja2"),
    *("prometheus-client", "pyarrow", "rich", "cloup", "starlette", "vl-convert*"),
)
LARGEST_INSTALL_BYTES = 150_000_000


def test_no_package_of_the_controller_or_the_converters_comes_along(
    agent_environment: Installed,
) -> None:
    installed = agent_environment.distributions()
    assert "edgerank" in installed
    assert not {
        name for name in installed if any(fnmatch(name, pattern) for pattern in NOT_FOR_A_BOARD)
    }


def test_the_installation_stays_small(agent_environment: Installed) -> None:
    size_bytes = sum(
        path.lstat().st_size for path in agent_environment.folder.rglob("*") if path.is_file()
    )
    assert size_bytes < LARGEST_INSTALL_BYTES


def test_the_agent_command_works(agent_environment: Installed) -> None:
    page = run_ok([agent_environment.edgerank, "agent", "--help"], agent_environment.folder)
    assert "--controller" in page


def test_a_device_is_examined_with_what_an_agent_has(
    agent_environment: Installed, tmp_path: Path
) -> None:
    place = ("--state", tmp_path / "agent")
    examined = run([agent_environment.edgerank, "doctor", "agent", *place, "--json"], tmp_path)
    outcomes = {each["check"]: each["outcome"] for each in json.loads(examined.stdout)}
    # No runtime was installed.
    assert (examined.returncode, outcomes["runtimes"]) == (1, "failed")
    assert outcomes["folder"] == "ok"
    other = run([agent_environment.edgerank, "doctor", "controller", *place], tmp_path)
    assert (other.returncode, len(other.stderr.strip().splitlines())) == (4, 1)
    assert "[controller]" in other.stderr


def test_a_command_of_another_extra_names_the_extra_in_one_sentence(
    agent_environment: Installed,
) -> None:
    finished = run([agent_environment.edgerank, "controller"], agent_environment.folder)
    assert finished.returncode != 0
    assert "Traceback" not in finished.stderr
    assert "[controller]" in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
