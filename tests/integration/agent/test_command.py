"""What a person gets from `edgerank agent` before anything connects."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.command import agent


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "--join"),
        (["--controller", "nowhere"], "nowhere is no address: write HOST:PORT"),
        (["--controller", "host:70000"], "host:70000 is no address"),
        (["--controller", "host:1", "--label", "lab"], "lab is no label: write KEY=VALUE"),
        (["--controller", "host:1", "--label", "=x"], "=x is no label"),
        (["--controller", "host:1", "--emulated", "a b"], "a b names no emulator"),
        (["--controller", "host:1", "--label", "a b=x"], "'a b' cannot be a label's key"),
        (["--controller", "host:1", "--label", "a=\x1b[2J"], "the value of the label a"),
        (["--controller", "host:1", "--name", "a,b"], "'a,b' cannot name a device"),
        (["--controller", "host:1", "--name", ""], "'' cannot name a device"),
        (["--controller", "host:1", "--name", "all"], "'all' selects every device"),
        (["--controller", "host:1", "--connect-timeout", "0"], "--connect-timeout"),
        (["--controller", "host:1", "--cache-size", "4"], "needs a unit"),
        (["--controller", "host:1", "--cache-size", "0GB"], "write 4GB, 500MB or"),
    ],
)
def test_wrong_input_is_told_with_exit_code_2(options: list[str], told: str) -> None:
    result = CliRunner().invoke(agent, options)
    assert result.exit_code == 2
    assert told in result.output


def test_a_host_whose_name_fits_no_device_is_told_to_give_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "küche")
    options = ["--controller", "127.0.0.1:1", "--state", str(tmp_path)]
    result = CliRunner().invoke(agent, options)
    assert result.exit_code == 2
    assert "'küche' cannot name a device" in result.output


def test_a_state_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    options = ["--controller", "127.0.0.1:1", "--state", str(tmp_path / "file" / "agent")]
    result = CliRunner().invoke(agent, options)
    assert result.exit_code == 4
    assert "cannot be used" in result.output


def test_a_device_without_a_runtime_is_told_what_to_install(tmp_path: Path) -> None:
    # An interpreter that finds neither runtime, as on a device where none was installed.
    hide = """
import importlib.util
find = importlib.util.find_spec
hidden = ("onnxruntime", "paddlelite")
importlib.util.find_spec = lambda name, *rest: None if name in hidden else find(name, *rest)
from agent.cli.command import agent
agent()
"""
    command = [sys.executable, "-c", hide, "--controller", "127.0.0.1:1", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 4
    assert ended.stderr.count("\n") == 1
    # As the documents have it: edgerank is on no index of packages.
    for runtime in ("onnxruntime", "paddlelite"):
        assert f"pip install '.[agent,{runtime}]'" in ended.stderr


def test_a_device_without_room_for_the_agent_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_three(thread: threading.Thread) -> None:
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_three)
    result = CliRunner().invoke(agent, ["--controller", "127.0.0.1:1", "--state", str(tmp_path)])
    assert (result.exit_code, result.output.count("\n")) == (4, 1)
    assert "no more than 3 threads" in result.output
    assert not any(thread.is_alive() for thread in started)


@pytest.mark.parametrize("limit_mb", [8, 18, 20, 22, 30, 35, 100])
def test_a_command_without_memory_ends_with_one_sentence(tmp_path: Path, limit_mb: int) -> None:
    limit = limit_mb * 1_000_000
    limited = ["prlimit", f"--data={limit}:{limit}", sys.executable, "-m", "controller.cli.main"]
    ended = subprocess.run(
        [*limited, "agent", "--controller", "127.0.0.1:1", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (4, 1)
    assert "ulimit -d" in ended.stderr


def test_help_shows_examples() -> None:
    result = CliRunner().invoke(agent, ["--help"])
    assert result.exit_code == 0
    assert "agent --controller 127.0.0.1:7700" in result.output
