"""The units of systemd start what there is, with options that there are, and confine it."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from agent.doctor.examination import DESCRIPTORS as OF_AGENT
from controller.cli.main import edgerank
from controller.server.examination import WANTED_DESCRIPTORS as OF_CONTROLLER
from tests.pages import ROOT

UNITS = sorted((ROOT / "docs/operations").glob("*.service"))
INSTALLED = "/opt/edgerank/.venv/bin/edgerank"


def read(unit: Path) -> configparser.ConfigParser:
    """The unit's sections; a setting that is there twice is refused."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser


def test_there_is_a_unit_for_each_side() -> None:
    assert [unit.stem for unit in UNITS] == ["edgerank-agent", "edgerank-controller"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_its_command_with_options_that_there_are(unit: Path) -> None:
    service = read(unit)["Service"]
    tool, name, *arguments = shlex.split(service["ExecStart"])
    assert tool == INSTALLED
    assert name == unit.stem.removeprefix("edgerank-")
    command = edgerank.get_command(click.Context(edgerank), name)
    assert command is not None
    context = command.make_context(name, arguments)
    (state,) = (value for key, value in context.params.items() if key.startswith("state"))
    # The one folder that it may write is the one that it is told.
    folder = Path("/var/lib") / service["StateDirectory"]
    assert state == folder or folder in state.parents
    assert context.params["log_format"] == "json"


@pytest.mark.parametrize(
    ("unit", "descriptors"),
    list(zip(UNITS, (OF_AGENT, OF_CONTROLLER), strict=True)),
    ids=lambda each: getattr(each, "stem", None),
)
def test_a_unit_confines_what_it_starts(unit: Path, descriptors: int) -> None:
    parsed = read(unit)
    service = parsed["Service"]
    wanted = {
        "ProtectSystem": "strict",
        "ProtectHome": "true",
        "NoNewPrivileges": "true",
        "CapabilityBoundingSet": "",
        "StateDirectoryMode": "0700",
        "UMask": "0077",
        "Restart": "on-failure",
    }
    assert {name: service[name] for name in wanted} == wanted
    assert service["User"] not in ("root", "nobody")
    assert int(service["LimitNOFILE"]) >= descriptors
    assert parsed["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_a_unit(unit: Path, tmp_path: Path) -> None:
    """Where there is a systemd to ask; what is above holds everywhere."""
    text = unit.read_text(encoding="utf-8")
    assert text.count(f"ExecStart={INSTALLED} ") == 1
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    # Of this environment, since systemd wants to find what it would start.
    here = tmp_path / unit.name
    here.write_text(text.replace(INSTALLED, str(Path(sys.executable).with_name("edgerank"))))
    done = subprocess.run(
        [analyze, "verify", here], capture_output=True, text=True, check=False, timeout=60
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert told == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_little_exposed(unit: Path) -> None:
    """Its own review of a unit, from 0 to 10; an agent reads the devices of its board."""
    assert exposure_of(unit) < 4


def exposure_of(unit: Path) -> float:
    """What systemd's review makes of a unit; 0 where there is none to ask."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return 0
    command = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    return float(found[1])
