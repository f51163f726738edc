"""What a bridge says of a phone that cannot be used now, by a fake adb server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.bridge.adb.server import AdbServer, PhoneAway
from agent.bridge.life import folder_of
from agent.bridge.phone import Phone
from tests.integration.bridge.fake_adb import fake_adb
from tests.processes import running


@pytest.fixture
def path() -> Iterator[Path]:
    # A socket's path is short.
    with tempfile.TemporaryDirectory(prefix="adb-") as folder:
        yield Path(folder) / "adb"


def test_a_phone_that_is_waited_for_is_told_with_each_state(path: Path, tmp_path: Path) -> None:
    folder_of(tmp_path, "A1").mkdir(parents=True)
    options = ("--adb", "A1", "--runner-folder", str(tmp_path), "--state", str(tmp_path))
    environment = {"ADB_SERVER_SOCKET": f"localfilesystem:{path}"}
    with (
        fake_adb(path, A1="unauthorized") as adb,
        running("agent", *options, environment=environment) as agent,
    ):
        agent.output.wait_for("A1 does not trust this computer: unlock it and allow USB debugging")
        adb.say("A1", "offline")
        agent.output.wait_for("A1 is offline to adb: unlock it")
        adb.say("A1", "recovery")
        agent.output.wait_for("A1 is in its recovery")
        adb.end()
        agent.output.wait_for("no adb server answers at")
        assert agent.stop() == 0


def test_one_that_nobody_knows_is_refused_with_what_is_the_matter(
    path: Path, tmp_path: Path
) -> None:
    options = ("--adb", "--runner-folder", str(tmp_path), "--state", str(tmp_path))
    environment = {"ADB_SERVER_SOCKET": f"localfilesystem:{path}"}
    with (
        fake_adb(path, A1="unauthorized"),
        running("agent", *options, environment=environment) as agent,
    ):
        agent.output.wait_for("error: the phone A1 does not trust this computer")
        assert agent.process.wait(timeout=60) == 2


def test_all_phones_have_no_name_together(tmp_path: Path) -> None:
    options = ("--adb", "all", "--name", "mine", "--runner-folder", str(tmp_path))
    with running("agent", *options, "--state", str(tmp_path)) as agent:
        agent.output.wait_for("error: all phones cannot have the name mine: leave --name out")
        assert agent.process.wait(timeout=60) == 2


def test_a_connection_that_breaks_off_is_no_end_of_a_command(path: Path) -> None:
    with fake_adb(path, A1="device", B2="offline"):
        server = AdbServer(str(path), None)
        with pytest.raises(PhoneAway, match=r"the connection to it (ended|broke)"):
            Phone(server, "A1").run("echo whole")
        with pytest.raises(PhoneAway, match="device offline"):
            Phone(server, "B2").run("echo whole")
