"""An agent whose own Python lacks Paddle Lite measures with it in another one."""

import json
import pickle
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from agent.errors import INPUT_EXIT_CODE
from agent.measuring.interpreter import InterpreterRefused, find_runtime
from protos.fleet import Measured
from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts, made_artifacts, settings
from tests.pages import ROOT
from tests.processes import edgerank, running, running_controller
from tests.processes.sharing import made_once

OURS: Final = ("agent", "controller", "models", "protos", "sandbox")
# What an agent needs and edgerank is not; no runtime.
NEEDED: Final = (
    *("attr", "attrs", "cattrs", "cffi", "click", "cryptography", "exceptiongroup", "filelock"),
    *("google", "grpc", "landlockpy", "numpy", "numpy.libs", "OpenSSL", "platformdirs", "psutil"),
    *("structlog", "tenacity", "typing_extensions.py"),
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with an agent in it, and no runtime."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    installed = Path(sysconfig.get_path("purelib"))
    for name in NEEDED:
        _copy(installed / name, packages / name)
    for each in (*installed.glob("_cffi_backend*.so"), *installed.glob("edgerank-*.dist-info")):
        _copy(each, packages / each.name)
    for name in OURS:
        _copy(ROOT / name, packages / name)
    return folder / "bin/python"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="module")
def device(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a controller is told of an agent in that environment."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_controller(folder / "controller") as (_controller, address):
        command = ("agent", "--controller", address, "--name", "board", "--state")
        options = (str(folder / "agent"), "--paddlelite-python", sys.executable)
        program = (str(bare), "-m", "controller.cli.main")
        with running(*command, *options, program=program) as agent:
            agent.output.wait_for("connected to .* as board")
            (told,) = json.loads(edgerank("devices", "--json", address=address).stdout)
            yield told


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    return Artifacts(made_once(tmp_path_factory, "artifacts", made_artifacts))


def test_the_other_pythons_runtime_is_the_devices(device: dict[str, Any]) -> None:
    (runtime,) = device["profile"]["runtimes"]
    assert (runtime["runtime"], runtime["version"]) == ("paddlelite", "2.13rc0")
    assert runtime["build"]
    assert runtime["last_words"] == ""


def test_what_is_measured_there_is_what_is_measured_here(
    bare: Path, artifacts: Artifacts, tmp_path: Path
) -> None:
    # In the agent's environment, held to its files as ever; the child is not of it.
    script = tmp_path / "measure.py"
    script.write_text(
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "from agent.cli.runtimes import Elsewhere, found_runtimes\n"
        "from agent.measuring.measurer import Measurer\n"
        "from agent.measuring.native.finding import NativeOptions\n"
        "from agent.measuring.supervision import Cancellation\n"
        "artifact, settings = pickle.load(sys.stdin.buffer)\n"
        f"other = Elsewhere(python=Path({sys.executable!r}))\n"
        "found = found_runtimes(other, NativeOptions(), Path('none'))\n"
        "measurer = Measurer(runtimes=found.runtimes, children=found.children)\n"
        "measured = measurer.measure(artifact, settings, Cancellation())\n"
        "sys.stdout.buffer.write(pickle.dumps(measured))\n"
    )
    asked = (artifacts.path("tiny", Runtime.PADDLELITE), settings(Runtime.PADDLELITE))
    done = subprocess.run(
        [bare, script], input=pickle.dumps(asked), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    measured: Measured = pickle.loads(done.stdout)
    assert (measured.runtime.runtime, measured.runtime.version) == (Runtime.PADDLELITE, "2.13rc0")
    assert measured.runtime.build
    assert min(measured.repetition.latency_ns) > 0
    assert measured.repetition.peak_rss_bytes > measured.repetition.baseline_rss_bytes > 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo '{\"python\": [3, 9]}'", "3.9"),
        ('echo \'{"python": [3, 11], "lacking": ["paddlelite"]}\'', "has no paddlelite"),
        ("echo hello", "no Python"),
        ("echo 1", "no Python"),
        ("exit 1", "no Python"),
        (None, "cannot be started"),
    ],
)
def test_what_cannot_measure_is_told_in_a_sentence(
    tmp_path: Path, script: str | None, words: str
) -> None:
    python = tmp_path / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    with pytest.raises(InterpreterRefused, match=words) as refused:
        find_runtime(Runtime.PADDLELITE, python)
    assert refused.value.exit_code == INPUT_EXIT_CODE
    assert len(str(refused.value).splitlines()) == 1


def test_the_agent_refuses_a_python_without_paddle_lite(bare: Path, tmp_path: Path) -> None:
    done = edgerank(
        *("agent", "--controller", "127.0.0.1:1", "--state", str(tmp_path / "state")),
        *("--paddlelite-python", str(bare)),
    )
    assert done.returncode == INPUT_EXIT_CODE
    assert "has no paddlelite" in done.stderr
