"""A fleet of two machines, as the pages show it: a home each, TLS between them, tokens alone.

What stands between them is what a person would carry: the line of a token.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import BACKBONES, QUICK_SWEEP
from tests.processes import START_TIMEOUT_S, Running, edgerank, own_address, running

SWEEP = ("--models", ",".join(BACKBONES), "--devices", "all", "--runtimes", "onnxruntime")


@dataclass(frozen=True)
class Home:
    """A person's account on a machine, and the controller that it asks."""

    folder: Path
    address: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a process that is started there finds, whatever ours has."""
        places = {
            f"XDG_{kind}_HOME": str(self.folder / kind.lower())
            for kind in ("CACHE", "CONFIG", "DATA", "STATE")
        }
        return {"HOME": str(self.folder), "EDGERANK_CONTROLLER": self.address, **places}

    def command(self, *arguments: str) -> str:
        """What a command prints that does what it says."""
        done = edgerank(*arguments, environment=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self, *arguments: str) -> Any:
        """What a command tells programs."""
        return json.loads(self.command(*arguments, "--json"))

    def names(self, *parts: str) -> set[str]:
        """The names of all files there below a folder."""
        return {path.name for path in self.folder.joinpath(*parts).rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Fleet:
    """Two machines.

    Attributes:
        lab: where the controller runs, which its user asks on the loopback address.
        desk: where the agent runs, and a person who is logged in.
        agent: the process of the device `pc`.
    """

    lab: Home
    desk: Home
    agent: Running


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A device that joined by a token, and a person who logged in by another."""
    lab = Home(tmp_path_factory.mktemp("lab"))
    serve = ("controller", "--host", "0.0.0.0", "--port", "0")
    with running(*serve, environment=lab.environment) as controller:
        port = controller.output.wait_for(r"listening on 0\.0\.0\.0:(\d+)")[1]
        lab = Home(lab.folder, f"127.0.0.1:{port}")
        desk = Home(tmp_path_factory.mktemp("desk"), f"{own_address()}:{port}")
        with _joined(lab, desk, "pc", "--label", "room=lab") as agent:
            person = desk.folder / "person.txt"
            person.write_text(lab.command("access", "create", "ada", "--scope", "operate"))
            desk.command("login", desk.address, "--token", f"@{person}")
            yield Fleet(lab, desk, agent)


def _joined(lab: Home, desk: Home, name: str, *options: str) -> AbstractContextManager[Running]:
    """An agent at the desk that joins by a token of the lab."""
    token = desk.folder / f"{name}.txt"
    token.write_text(lab.command("token", "create", "--address", desk.address))
    state = ("--state", str(desk.folder / name))
    arguments = ("agent", "--join", f"@{token}", "--name", name, *state, *options)
    return running(*arguments, environment=desk.environment)


@pytest.fixture(scope="module")
def swept(fleet: Fleet) -> str:
    """The id of a sweep that was paused, resumed and followed to its end from both homes."""
    fleet.agent.output.wait_for("connected to .* as pc")
    desk = fleet.desk
    asked = ("sweep", *SWEEP, *QUICK_SWEEP, "--name", "nightly")
    with running(*asked, environment=desk.environment) as sweep:
        sweep_id = sweep.output.wait_for(r"sweep (\w+)")[1]
        desk.command("pause", "nightly")
        (listed,) = fleet.lab.asked("sweeps")
        assert (listed["paused"]["by"], listed["started_by"]) == ("ada", "ada")
        desk.command("resume", "nightly")
        desk.command("edit", "nightly", "--priority", "5")
        fleet.lab.command("follow", "nightly")
        assert sweep.process.wait(START_TIMEOUT_S) == 0
    return sweep_id


def test_each_home_has_its_own_secrets_and_nothing_of_the_other(fleet: Fleet) -> None:
    fleet.agent.output.wait_for("connected to .* as pc")
    (device,) = fleet.desk.asked("devices")
    assert (device["name"], device["connected"], device["labels"]) == ("pc", True, {"room": "lab"})
    assert "identity.json" in fleet.desk.names("pc")
    assert "controller.sqlite" in fleet.lab.names()
    assert "identity.json" not in fleet.lab.names()
    assert "controller.sqlite" not in fleet.desk.names()


def test_who_is_not_logged_in_is_told_nothing(fleet: Fleet, tmp_path: Path) -> None:
    stranger = Home(tmp_path, fleet.desk.address)
    for command in (("devices",), ("sweeps",), ("best", "--device", "pc"), ("token", "create")):
        assert edgerank(*command, environment=stranger.environment).returncode == 4
    # Who may operate gives no tokens and removes no devices.
    for command in (("token", "create"), ("devices", "revoke", "pc")):
        assert edgerank(*command, environment=fleet.desk.environment).returncode == 4


def test_both_homes_are_told_the_same_figures_and_the_same_best(fleet: Fleet, swept: str) -> None:
    best = ("best", "--device", "pc", "--by", "latency")
    told, told_there = fleet.desk.asked(*best), fleet.lab.asked(*best)
    assert told == told_there
    assert told["winner"]["measurement"]["backbone"] in BACKBONES
    figures = fleet.desk.asked("results", "--sweep", swept)
    assert {each["backbone"] for each in figures} == set(BACKBONES)
    (sweep,) = fleet.lab.asked("sweeps")
    assert (sweep["phase"], sweep["jobs_ended"], sweep["jobs_failed"]) == ("ended", 2, 0)
    assert sweep["priority"] == 5


def test_what_was_changed_from_the_desk_is_in_the_log_of_the_lab(fleet: Fleet, swept: str) -> None:
    noted = {
        (each["action"], each["caller_name"], each["subject"]) for each in fleet.lab.asked("audit")
    }
    assert noted >= {
        (action, "ada", swept)
        for action in ("StartSweep", "PauseSweep", "ResumeSweep", "EditSweep")
    }


def test_a_device_is_drained_and_woken_from_the_desk(fleet: Fleet) -> None:
    fleet.agent.output.wait_for("connected to .* as pc")
    fleet.desk.command("devices", "drain", "pc")
    (device,) = fleet.lab.asked("devices")
    assert device["standing"]["caller_name"] == "ada"
    fleet.desk.command("devices", "wake", "pc")
    kinds = [each["kind"] for each in fleet.desk.asked("devices", "history", "pc")]
    assert {"joined", "connected", "woken"} <= set(kinds)


def test_a_device_that_is_revoked_is_cut_off_and_does_not_come_back(fleet: Fleet) -> None:
    with _joined(fleet.lab, fleet.desk, "board") as board:
        board.output.wait_for("connected to .* as board")
        fleet.lab.command("devices", "revoke", "board")
        assert board.process.wait(START_TIMEOUT_S) == 2
    again = ("agent", "--name", "board", "--state", str(fleet.desk.folder / "board"))
    assert edgerank(*again, environment=fleet.desk.environment).returncode == 2
    shown = {each["name"]: each["connected"] for each in fleet.lab.asked("devices")}
    assert not shown["board"]
