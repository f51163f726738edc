"""Which runner and which library an agent takes, and what it says of one that does not serve."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.command import agent
from agent.measuring.native.child import NativeChild
from agent.measuring.native.finding import Chosen, NativeOptions, choose
from protos.runtimes import Runtime, RuntimeInfo

PACKAGE = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.0")
SHIM = "libedgerank_paddlelite.so"


def _library(chosen: Chosen) -> Path:
    child = chosen.children[Runtime.ONNXRUNTIME]
    assert isinstance(child, NativeChild)
    return child.library


def script(path: Path, printed: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{printed}'\n")
    path.chmod(0o755)
    return path


def test_packages_are_taken_where_nobody_names_a_runner(runner: Path, tmp_path: Path) -> None:
    assert choose([PACKAGE], NativeOptions(), tmp_path).runtimes == (PACKAGE,)
    (tmp_path / "edgerank-runner").symlink_to(runner)
    (tmp_path / SHIM).touch()
    chosen = choose([PACKAGE], NativeOptions(), tmp_path)
    assert chosen.runtimes[0] == PACKAGE
    assert list(chosen.children) == [Runtime.PADDLELITE]


def test_a_runner_is_the_default_where_there_is_no_package(runner: Path, tmp_path: Path) -> None:
    (tmp_path / "edgerank-runner").symlink_to(runner)
    for each in ("", ".1", ".1.23.2", ".1.23.2.debug"):
        (tmp_path / f"libonnxruntime.so{each}").touch()
    chosen = choose([], NativeOptions(), tmp_path)
    assert chosen.runtimes == (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2"),)
    assert _library(chosen).parent == tmp_path


def test_a_runner_that_is_named_takes_the_packages_library(runner: Path, library: Path) -> None:
    chosen = choose([PACKAGE], NativeOptions(runner=runner), Path("nowhere"))
    assert _library(chosen) == library


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("", "is no native runner of edgerank: name the one that 'tools/native' builds"),
        ('{"program": "other", "protocol": 1}', "is no native runner of edgerank"),
        ('{"program": "edgerank-runner", "protocol": 7}', "speaks protocol 7 and this agent 1"),
    ],
)
def test_a_program_that_is_not_ours_is_refused(printed: str, told: str, tmp_path: Path) -> None:
    named = script(tmp_path / "runner", printed)
    result = CliRunner().invoke(agent, ["--native-runner", str(named)])
    assert result.exit_code == 2
    assert told in result.output


def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "runner"
    other.write_bytes(b"\x7fELF of another machine")
    other.chmod(0o755)
    result = CliRunner().invoke(agent, ["--native-runner", str(other)])
    assert result.exit_code == 2
    assert "name one that was built for" in result.output


def test_a_library_that_is_not_there_is_refused(tmp_path: Path, runner: Path) -> None:
    options = ["--native-runner", str(runner), "--onnxruntime-library", str(tmp_path / "none")]
    result = CliRunner().invoke(agent, options)
    assert result.exit_code == 2
    assert "name the file of your build with --onnxruntime-library" in result.output


def test_a_library_without_a_runner_is_refused(tmp_path: Path, library: Path) -> None:
    options = ["--onnxruntime-library", str(library), "--state", str(tmp_path)]
    result = CliRunner().invoke(agent, options)
    assert result.exit_code == 2
    assert "--native-runner" in result.output
