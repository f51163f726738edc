"""What is written on a board says what was wanted, whatever that is spelt like."""

import configparser
import shlex
import shutil
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.server.deploying.board import Board
from controller.server.deploying.releases import (
    Settings,
    environment_key,
    read_release_id,
    read_settings,
    release_of,
)
from protos.runtimes import Runtime
from tests.pages import ROOT
from tests.unit.controller.deploying.boards import PLAIN, RASPBERRY_PI, ROOTED
from tests.unit.docs.test_units import exposure_of

SETTINGS = Settings(
    version="0.1.0",
    environment="0.1.0-abc-def",
    name="board",
    labels={"room": "lab"},
    runtimes=(Runtime.ONNXRUNTIME,),
)
LITE = "/opt/its lite/bin/program"
labels = st.dictionaries(
    st.text(string.ascii_letters, min_size=1, max_size=8),
    st.text(string.printable.strip() + " ", max_size=12),
    max_size=3,
)


def told(start: str, base: Path) -> list[str]:
    """What the agent is told by the script, which a shell runs."""
    program = base / "environments" / SETTINGS.environment / "bin/edgerank"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    done = subprocess.run(["sh"], input=start, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@given(labels=labels)
def test_labels_reach_the_agent_as_they_are(
    labels: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.getbasetemp() / "it's a $board"
    settings = replace(SETTINGS, labels=labels)
    release = release_of(settings, replace(RASPBERRY_PI, base=str(base)))
    assert [each for each in told(release.start, base) if each.startswith("--label=")] == [
        f"--label={key}={value}" for key, value in sorted(labels.items())
    ]
    assert read_settings(release.settings) == settings


def test_a_token_is_named_while_there_is_one(tmp_path: Path) -> None:
    start = release_of(SETTINGS, replace(RASPBERRY_PI, base=str(tmp_path))).start
    token = tmp_path / "token"
    assert "--join" not in told(start, tmp_path)
    token.touch()
    assert "--join" not in told(start, tmp_path)
    token.write_text("a secret")
    assert told(start, tmp_path)[-2:] == ["--join", f"@{token}"]


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        (replace(SETTINGS, paddlelite_python=LITE), "--paddlelite-python"),
        (replace(SETTINGS, paddlelite_bin=LITE), "--paddlelite-bin"),
    ],
)
def test_what_the_board_has_of_paddle_lite_is_named(
    settings: Settings, option: str, tmp_path: Path
) -> None:
    board = replace(RASPBERRY_PI, base=str(tmp_path))
    release = release_of(settings, board)
    assert f"{option}={LITE}" in told(release.start, tmp_path)
    assert read_settings(release.settings) == settings
    plain = told(release_of(SETTINGS, board).start, tmp_path)
    assert not [each for each in plain if each.startswith(option)]


def test_the_runner_that_was_brought_is_named(tmp_path: Path) -> None:
    board = replace(RASPBERRY_PI, base=str(tmp_path))
    settings = replace(SETTINGS, native_runner="0123456789ab")
    release = release_of(settings, board)
    program = tmp_path / "runners/0123456789ab/edgerank-runner"
    assert f"--native-runner={program}" in told(release.start, tmp_path)
    assert read_settings(release.settings) == settings
    plain = told(release_of(SETTINGS, board).start, tmp_path)
    assert not [each for each in plain if each.startswith("--native-runner")]


def test_a_release_is_another_one_when_anything_of_it_is() -> None:
    same = release_of(SETTINGS, RASPBERRY_PI)
    assert release_of(replace(SETTINGS), RASPBERRY_PI) == same
    others = [
        release_of(replace(SETTINGS, name="other"), RASPBERRY_PI),
        release_of(replace(SETTINGS, environment="another"), RASPBERRY_PI),
        release_of(SETTINGS, PLAIN),
    ]
    assert len({each.release_id for each in (same, *others)}) == 4
    assert read_release_id(f"releases/{same.release_id}") == same.release_id


def test_an_environment_is_another_one_when_what_is_in_it_is() -> None:
    python, both = "/usr/bin/python3 3.11", (Runtime.ONNXRUNTIME, Runtime.PADDLELITE)
    keys = {
        environment_key("0.1.0", b"a wheel", python, both[:1]),
        environment_key("0.1.0", b"another", python, both[:1]),
        environment_key("0.1.0", b"a wheel", "/usr/bin/python3 3.12", both[:1]),
        environment_key("0.1.0", b"a wheel", python, both),
    }
    assert len(keys) == 4
    assert environment_key("0.1.0", b"a wheel", python, both) == environment_key(
        "0.1.0", b"a wheel", python, both[::-1]
    )


@pytest.mark.parametrize(
    "said",
    [
        *("", "{}", "null", '{"name": 1}'),
        release_of(replace(SETTINGS, name="a b"), PLAIN).settings,
        release_of(replace(SETTINGS, environment="../../etc"), PLAIN).settings,
        release_of(replace(SETTINGS, environment=".."), PLAIN).settings,
        release_of(replace(SETTINGS, paddlelite_python="bin/python"), PLAIN).settings,
        release_of(replace(SETTINGS, paddlelite_bin="bin/benchmark_bin"), PLAIN).settings,
        release_of(replace(SETTINGS, native_runner="../../bin"), PLAIN).settings,
    ],
)
def test_settings_that_we_would_not_write_are_not_read(said: str) -> None:
    assert read_settings(said) is None


@pytest.mark.parametrize(
    "link", ["", "releases/", "releases/../..", "/etc", "releases/a b", "releases/..", "a"]
)
def test_what_is_no_release_is_none(link: str) -> None:
    assert read_release_id(link) is None


def read(unit: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    return parser


def test_the_unit_of_a_machine_confines_as_the_documented_one() -> None:
    documented = read((ROOT / "docs/operations/edgerank-agent.service").read_text())["Service"]
    ours = read(release_of(SETTINGS, ROOTED).keeper)["Service"]
    own = {"User", "Group", "ExecStart", "Environment", "StateDirectory", "StateDirectoryMode"}
    assert {key: ours.get(key) for key in documented if key not in own} == {
        key: value for key, value in documented.items() if key not in own
    }
    assert ours["ReadWritePaths"] == f'"{ROOTED.base}"'


@pytest.mark.parametrize("board", [RASPBERRY_PI, ROOTED], ids=["user", "system"])
def test_systemd_takes_the_unit(board: Board, tmp_path: Path) -> None:
    """Where there is a systemd to ask; that it starts our script holds everywhere."""
    keeper = release_of(SETTINGS, board).keeper
    start = read(keeper)["Service"]["ExecStart"]
    assert shlex.split(start) == ["/bin/sh", f"{board.base}/current/agent"]
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    unit = tmp_path / "edgerank-agent.service"
    unit.write_text(keeper)
    done = subprocess.run(
        [analyze, "verify", unit], capture_output=True, text=True, check=False, timeout=60
    )
    assert [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line] == []
    # As root, and of what a user's systemd may confine, which is less.
    assert exposure_of(unit) < (4.5 if board is ROOTED else 8)


def test_a_path_that_systemd_would_read_otherwise_is_written_so_that_it_does_not() -> None:
    board = replace(RASPBERRY_PI, base='/home/a "b" 100%/$x')
    start = read(release_of(SETTINGS, board).keeper)["Service"]["ExecStart"]
    assert start == '/bin/sh "/home/a \\"b\\" 100%%/$$x/current/agent"'
