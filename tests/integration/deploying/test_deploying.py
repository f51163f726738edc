"""An agent that is deployed joins, stays, is replaced at once, and goes again."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.integration.access.conftest import Guarded
from tests.integration.deploying.conftest import Board, pack_python
from tests.processes import edgerank, running

NAME: Final = "board"
RUNNER: Final = "edgerank-runner"


def deploying(board: Board, fleet: Guarded, *options: str) -> list[str]:
    """The command that deploys; it has as long as a busy machine may need."""
    return [
        *("deploy", "ssh", *board.named, "--name", NAME, "--offline"),
        *("--address", fleet.address, "--up-within", "5m", *options),
    ]


def deploy(board: Board, fleet: Guarded, *options: str) -> subprocess.CompletedProcess[str]:
    return edgerank(*deploying(board, fleet, *options), address=fleet.local)


def device(fleet: Guarded) -> dict[str, Any]:
    """What the fleet knows of the board."""
    listed: list[dict[str, Any]] = json.loads(fleet.command("devices", "--json"))
    return next(each for each in listed if each["name"] == NAME)


def runtime_build(fleet: Guarded) -> str:
    """What the one runtime of the board says of its build; our runner names itself there."""
    (runtime,) = device(fleet)["profile"]["runtimes"]
    return str(runtime["build"])


def times_connected(fleet: Guarded) -> int:
    history = json.loads(fleet.command("devices", "history", NAME, "--json"))
    return sum(event["kind"] == "connected" for event in history)


def supervisor(board: Board) -> int:
    return int((board.base / "supervisor.pid").read_text())


def agent(board: Board) -> int | None:
    """The agent's process."""
    keeper = supervisor(board)
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    for child in map(int, children):
        if b"--state" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    return None


def _command_line(process: psutil.Process) -> bytes:
    # One that ends meanwhile has none.
    with suppress(psutil.Error):
        return "\0".join(process.cmdline()).encode()
    return b""


def current(board: Board) -> str:
    return str((board.base / "current").readlink())


def environment(board: Board) -> Path:
    settings = json.loads((board.base / "current/settings.json").read_text())
    return board.base / "environments" / str(settings["environment"])


@contextmanager
def out_of_date(board: Board) -> Iterator[Path]:
    """As if the environment that runs were of another version; gives its folder."""
    there = environment(board)
    (there / "complete").rename(there / "of another version")
    try:
        yield there
    finally:
        if there.exists():
            (there / "of another version").rename(there / "complete")


@pytest.fixture(scope="module")
def deployed(board: Board, fleet: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A board that an agent, and the Python that it runs in, was brought to."""
    board.trust()
    archive = pack_python(tmp_path_factory.mktemp("archive") / "a python.tar.gz")
    done = deploy(board, fleet, "--python-archive", str(archive))
    assert done.returncode == 0, done.stderr
    assert "architecture" in done.stdout
    return board


def test_a_board_joins_and_nobody_else_can_by_its_token(deployed: Board, fleet: Guarded) -> None:
    assert device(fleet)["connected"]
    assert device(fleet)["profile"]["runtimes"][0]["runtime"] == "onnxruntime"
    token = deployed.base / "token"
    assert (token.read_text(), stat.S_IMODE(token.stat().st_mode)) == ("", 0o600)
    assert stat.S_IMODE(deployed.base.stat().st_mode) == 0o700
    assert "new devices" not in fleet.command("token", "list")
    lines = [line for process in psutil.process_iter() if (line := _command_line(process))]
    ours = [line for line in lines if os.fsencode(deployed.base) in line]
    assert ours
    assert not [line for line in ours if b"edgerank-join" in line]


def test_a_second_time_changes_nothing(deployed: Board, fleet: Guarded) -> None:
    before = (current(deployed), supervisor(deployed), agent(deployed), times_connected(fleet))
    done = deploy(deployed, fleet)
    assert done.returncode == 0, done.stderr
    assert "sending" not in done.stderr
    after = (current(deployed), supervisor(deployed), agent(deployed), times_connected(fleet))
    assert after == before
    (brought,) = (deployed.base / "pythons").iterdir()
    assert str(brought) in (environment(deployed) / "pyvenv.cfg").read_text()


def test_a_clock_that_is_years_off_is_told_and_in_nobodys_way(
    deployed: Board, fleet: Guarded
) -> None:
    deployed.says("date", "echo 1000000000")
    done = deploy(deployed, fleet)
    assert done.returncode == 0, done.stderr
    assert re.search(r"note: its clock is \d+ years behind: set it", done.stderr)


def test_what_was_switched_to_and_never_started_is_started_by_the_next_run(
    deployed: Board, fleet: Guarded
) -> None:
    connected = times_connected(fleet)
    # As an end between the two would leave it.
    (deployed.base / "running").write_text("releases/another")
    done = deploy(deployed, fleet)
    assert done.returncode == 0, done.stderr
    assert times_connected(fleet) == connected + 1
    assert (deployed.base / "running").read_text().strip() == current(deployed)


def test_an_agent_that_dies_is_started_again(deployed: Board, fleet: Guarded) -> None:
    connected, died = times_connected(fleet), agent(deployed)
    assert died is not None
    os.kill(died, signal.SIGKILL)
    while times_connected(fleet) == connected:
        assert supervisor(deployed)
    assert agent(deployed) not in (died, None)


def test_another_option_takes_the_place_of_what_runs(deployed: Board, fleet: Guarded) -> None:
    before, device_id = current(deployed), device(fleet)["device_id"]
    done = deploy(deployed, fleet, "--label", "room=a lab; it's 'ours' $HOME")
    assert done.returncode == 0, done.stderr
    assert current(deployed) != before
    assert device(fleet)["labels"] == {"room": "a lab; it's 'ours' $HOME"}
    # The same device, in the same environment: nothing was sent.
    assert device(fleet)["device_id"] == device_id
    assert "sending" not in done.stderr


def test_a_native_runner_is_brought_once_and_is_what_the_device_says_it_measures_with(
    deployed: Board, fleet: Guarded
) -> None:
    labels = [f"--label={key}={value}" for key, value in device(fleet)["labels"].items()]
    options = (*labels, "--runner-folder", os.environ["EDGERANK_NATIVE"])
    done = deploy(deployed, fleet, *options)
    assert done.returncode == 0, done.stderr
    assert "sending 1 of 1 files" in done.stderr
    assert RUNNER in runtime_build(fleet)
    before = (current(deployed), agent(deployed))
    again = deploy(deployed, fleet, *options)
    assert again.returncode == 0, again.stderr
    assert "sending" not in again.stderr
    assert (current(deployed), agent(deployed)) == before


def test_a_library_that_its_runner_does_not_load_is_refused_and_what_runs_goes_on(
    deployed: Board, fleet: Guarded, tmp_path: Path
) -> None:
    before = (current(deployed), agent(deployed))
    shutil.copy(Path(os.environ["EDGERANK_NATIVE"]) / "x86_64" / RUNNER, tmp_path)
    # For this processor, and a program.
    shutil.copy(shutil.which("true") or "", tmp_path / "libonnxruntime.so.1.23.2")
    done = deploy(deployed, fleet, "--runner-folder", str(tmp_path))
    assert done.returncode == 4
    assert "(libonnxruntime.so.1.23.2: the runtime's library does not load: " in done.stderr
    assert "cannot dynamically load" in done.stderr
    assert (current(deployed), agent(deployed)) == before
    assert device(fleet)["connected"]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda: Path(os.environ["EDGERANK_NATIVE"]) / "aarch64" / RUNNER, "is built for aarch64"),
        (lambda: Path(shutil.which("true") or ""), "no native runner of edgerank"),
        (lambda: Path(shutil.which("false") or ""), "does not start"),
        (lambda: None, f"there is no {RUNNER}"),
    ],
)
def test_what_is_no_runner_for_it_is_refused_and_what_runs_goes_on(
    deployed: Board,
    fleet: Guarded,
    tmp_path: Path,
    program: Callable[[], Path | None],
    words: str,
) -> None:
    before = (current(deployed), agent(deployed))
    if (file := program()) is not None:
        shutil.copy(file, tmp_path / RUNNER)
    done = deploy(deployed, fleet, "--runner-folder", str(tmp_path))
    assert done.returncode in (2, 4)
    assert words in done.stderr
    assert "--runner-folder" in done.stderr or str(tmp_path) in done.stderr
    assert (current(deployed), agent(deployed)) == before
    assert device(fleet)["connected"]


def test_an_agent_that_does_not_come_up_is_taken_back(deployed: Board, fleet: Guarded) -> None:
    before, device_id = current(deployed), device(fleet)["device_id"]
    with out_of_date(deployed) as there:
        key = there.name.rpartition("-")[0]
        broken = there.with_name(f"{key}-broken")
        (broken / "bin").mkdir(parents=True)
        (broken / "bin/edgerank").write_text("#!/bin/sh\necho its library is broken >&2\nexit 2\n")
        (broken / "bin/edgerank").chmod(0o755)
        (broken / "complete").touch()
        done = deploy(deployed, fleet)
        (broken / "complete").unlink()
    assert done.returncode == 4
    assert "broken" in done.stderr
    assert current(deployed) == before
    assert (device(fleet)["device_id"], device(fleet)["connected"]) == (device_id, True)


def test_an_interruption_leaves_the_old_agent_and_an_upgrade_brings_the_new_one(
    deployed: Board, fleet: Guarded
) -> None:
    before, labels = (current(deployed), agent(deployed)), device(fleet)["labels"]
    with out_of_date(deployed) as there:
        environment_of_fleet = {"EDGERANK_CONTROLLER": fleet.local}
        with running(*deploying(deployed, fleet), environment=environment_of_fleet) as command:
            command.output.wait_for("installing", timeout_s=300)
            command.kill()
        assert (current(deployed), agent(deployed)) == before
        assert device(fleet)["connected"]
        upgrading = ("deploy", "upgrade", "ssh", *deployed.named, "--offline")
        done = edgerank(*upgrading, "--up-within", "5m", address=fleet.local)
        assert done.returncode == 0, done.stderr
        assert environment(deployed) != there
    assert current(deployed) != before[0]
    assert device(fleet)["connected"]
    assert device(fleet)["labels"] == labels
    assert RUNNER in runtime_build(fleet)
    # What ran before is there, and nothing of what broke off.
    assert {each.name for each in (deployed.base / "environments").iterdir()} == {
        there.name,
        environment(deployed).name,
    }


def test_how_it_stands_is_told(deployed: Board, fleet: Guarded) -> None:
    asked = ("deploy", "status", "ssh", *deployed.named)
    told = json.loads(edgerank(*asked, "--json", address=fleet.local).stdout)
    assert (told["deployed"], told["running"], told["connected"]) == (True, True, True)
    assert (told["device"], told["service"], told["base"]) == (NAME, "script", str(deployed.base))
    assert told["native_runner"]
    assert NAME in edgerank(*asked, address=fleet.local).stdout
    log = edgerank("deploy", "logs", "ssh", *deployed.named)
    assert f"as {NAME}" in log.stdout


def test_what_another_device_is_called_is_not_taken(deployed: Board, fleet: Guarded) -> None:
    before = current(deployed)
    with fleet.agent("other", fleet.token()):
        done = deploy(deployed, fleet, "--name", "other")
    assert done.returncode == 2
    assert "--rejoin" in done.stderr
    assert current(deployed) == before


def test_boards_of_a_file_are_deployed_to_and_one_that_fails_keeps_no_other_from_it(
    deployed: Board, fleet: Guarded, tmp_path: Path
) -> None:
    labels = json.dumps(device(fleet)["labels"])
    file = tmp_path / "hosts.yaml"
    file.write_text(
        "hosts:\n- {board: pi@localhost, port: 1}\n"
        f"- {{board: pi@127.0.0.1, port: {deployed.port}, name: {NAME}, labels: {labels}, "
        f"runner-folder: {os.environ['EDGERANK_NATIVE']}}}\n"
    )
    before = (current(deployed), agent(deployed))
    done = edgerank("deploy", "fleet", str(file), "--offline", address=fleet.local)
    assert done.returncode == 4
    assert "pi@localhost:1" in done.stderr
    assert "pi@127.0.0.1" not in done.stderr
    assert f"pi@127.0.0.1:{deployed.port}: {NAME} reports: " in done.stdout
    assert (current(deployed), agent(deployed)) == before


def test_a_runner_that_no_option_names_any_more_is_left_out_and_told(
    deployed: Board, fleet: Guarded
) -> None:
    (before,) = (each.name for each in (deployed.base / "runners").iterdir())
    (deployed.base / "runners/None").mkdir()
    done = deploy(deployed, fleet)
    assert done.returncode == 0, done.stderr
    assert "note: the native runner that was brought is left out" in done.stderr
    assert RUNNER not in runtime_build(fleet)
    # That of the release before.
    assert [each.name for each in (deployed.base / "runners").iterdir()] == [before]


def test_a_removed_agent_is_gone_and_its_identity_stays_until_that_goes_too(
    deployed: Board, fleet: Guarded
) -> None:
    keeper = supervisor(deployed)
    removing = ("deploy", "remove", "ssh", *deployed.named)
    assert edgerank(*removing).returncode == 0
    assert (
        not Path(f"/proc/{keeper}/cmdline").exists()
        or not Path(f"/proc/{keeper}/cmdline").read_bytes()
    )
    assert [each.name for each in deployed.base.iterdir()] == ["state"]
    assert (deployed.base / "state/identity.json").exists()
    assert not device(fleet)["connected"]
    asked = ("deploy", "status", "ssh", *deployed.named, "--json")
    told = json.loads(edgerank(*asked, address=fleet.local).stdout)
    assert (told["deployed"], told["running"], told["device"]) == (False, False, NAME)
    assert edgerank(*removing, "--with-state").returncode == 0
    assert not deployed.base.exists()
