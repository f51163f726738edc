"""Forked `edgerank` processes are as those that are started by their command."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.processes import edgerank, running, running_controller
from tests.processes.warm import Forked, Origin, origin_for


@pytest.fixture
def origin() -> Origin:
    found = origin_for(os.environ)
    assert found is not None
    return found


def test_a_command_tells_its_end_and_keeps_its_errors_apart() -> None:
    version, wrong = edgerank("--version"), edgerank("nonsense")
    assert (version.returncode, bool(version.stdout), version.stderr) == (0, True, "")
    assert (wrong.returncode, wrong.stdout, bool(wrong.stderr)) == (2, "", True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_a_process_is_forked_and_ends_as_signals_say(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with running_controller(tmp_path / "state") as (controller, _address):
        assert isinstance(controller.process, Forked)
        assert controller.process.poll() is None
        controller.process.send_signal(number)
        assert controller.process.wait(timeout=60) == code


def led_to(descriptor: Path) -> str:
    """Where a descriptor of a process leads; nowhere, once it is closed."""
    with suppress(FileNotFoundError):
        return str(descriptor.readlink())
    return ""


def test_a_fork_has_the_environment_and_no_descriptor_of_another(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    with (
        running_controller(tmp_path / "first"),
        running("controller", "--port", "0", environment=home) as second,
    ):
        second.output.wait_for("listening")
        descriptors = Path(f"/proc/{second.process.pid}/fd")
        assert (tmp_path / "data" / "edgerank" / "controller").is_dir()
        assert not [each for each in descriptors.iterdir() if "first" in led_to(each)]


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "LD_PRELOAD", "LC_ALL", "OTEL_SDK_DISABLED"])
def test_what_is_read_at_the_start_is_no_matter_for_a_fork(origin: Origin, name: str) -> None:
    assert origin.fits({**os.environ, "HOME": "/nowhere"})
    assert not origin.fits({**os.environ, name: "other"})


def test_another_program_is_started_by_its_command() -> None:
    program = (sys.executable, "-c", "import sys; sys.exit(7)")
    with running(program=program) as started:
        assert started.process.wait(timeout=60) == 7
        assert not isinstance(started.process, Forked)
