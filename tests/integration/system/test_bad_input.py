"""A person's mistake ends in one clear sentence and a telling exit code, never a traceback."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.client.logins import Login, keep_login
from tests.integration.system.conftest import QUICK_SWEEP, System
from tests.processes import (
    START_TIMEOUT_S,
    edgerank,
    running,
    running_agent,
    running_controller,
)
from tests.processes.ports import kept_port


def refused(*arguments: str, address: str | None = None) -> tuple[int, str]:
    """Exit code and standard error of a command that must fail."""
    done = edgerank(*arguments, address=address)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("sweep", "--models", "MobileNetV3"), 2, "no backbone is named 'MobileNetV3'; nearest:"),
        (("sweep", "--models", "tier:phone"), 2, "there are mobile, desktop, server"),
        (("sweep", "--models", "MobileNetV1", "--devices", "pd"), 2, "nearest: pc"),
        (("sweep", "--models", "MobileNetV1", "--runtimes", "tflite"), 2, "there are paddlelite"),
        (("sweep", "--models", "MobileNetV1", "--threads", "99"), 4, "cores; ask for at most"),
        (("sweep", "--models", "MobileNetV1", "--cores", "large"), 2, "write big, little, all"),
        (("sweep", "--models", "MobileNetV1", "--cores", "4000"), 4, "has no core 4000; it has 0"),
        (
            (
                *("sweep", "--models", "MobileNetV1", "--devices", "pc"),
                *("--execution-provider", "NnapiExecutionProvider"),
            ),
            4,
            "has no 'NnapiExecutionProvider'; it has CPUExecutionProvider",
        ),
        (("sweep", "--models", "MobileNetV1", "--precision", "2"), 2, "write it as 2%"),
        (("sweep", "--models", "MobileNetV1", "--sustained", "90s"), 2, "in whole minutes"),
        (("best", "--device", "pc", "--at-minute", "61"), 2, "range"),
        (("convert", "MobileNetV3"), 2, "nearest:"),
        (("convert",), 2, "name backbones, or a tier with --tier"),
        (("best", "--device", "phone"), 2, "no device is named 'phone'; nearest: pc"),
        (("best", "--device", "pc", "--max-latency", "20"), 2, "needs a unit"),
        (("best", "--device", "pc", "--max-latency", "20MB"), 2, "is no unit of a latency"),
        (("best", "--device", "pc", "--max-memory", "80ms"), 2, "is no unit of a memory"),
        (("best", "--device", "pc", "--min-top1", "175"), 2, "range"),
        (
            ("best", "--device", "pc", "--only", "failed"),
            2,
            "there are ok, wide, disturbed, throttled",
        ),
        (("follow", "nothing"), 2, "no sweep has the id 'nothing'"),
        (("results", "--sweep", "nothing"), 2, "no sweep has the id 'nothing'"),
        (("devices", "remove", "pd"), 2, "nearest: pc"),
        (("devices", "remove", "pc"), 4, "pc is connected"),
        (("devices", "rename", "pc", "all"), 2, "'all' cannot name a device"),
        (("cancel", "nothing"), 2, "no sweep has the id 'nothing'"),
        (("report", "--device", "phone"), 2, "no device is named 'phone'"),
        (("export", "all.xlsx"), 2, "csv"),
        (("swep",), 2, "no command is named 'swep'; nearest: sweep"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_word_gets_what_would_be_right(
    system: System, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    code, said = refused(*arguments, address=system.address)
    assert (code, words in said) == (exit_code, True), said


@pytest.mark.parametrize("page", ["/proc/page.md", "/proc/version"])
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_converted(page: str) -> None:
    # Files that not even root can write; nobody listens at the address.
    code, said = refused("convert", "MobileNetV1", "--table", page, address="127.0.0.1:1")
    assert code == 2
    assert f"cannot write {page}: " in said


def test_a_refused_conversion_leaves_the_page_as_it_was(system: System, tmp_path: Path) -> None:
    new, old = tmp_path / "new.md", tmp_path / "old.md"
    old.write_text("what was there")
    for page in (new, old):
        code, said = refused("convert", "MobileNetV3", "--table", str(page), address=system.address)
        assert (code, "nearest:" in said) == (2, True)
    assert not new.exists()
    assert old.read_text() == "what was there"


def test_a_letter_that_the_terminal_does_not_know_is_told_by_its_number() -> None:
    asked = ("sweep", "--models", "MobileNetV1", "--name", "夜間", "--print-file")
    with running(*asked, environment={"PYTHONIOENCODING": "latin-1"}) as printing:
        printing.output.wait_for(r"^name: .*\\u591c")
        assert printing.process.wait(timeout=START_TIMEOUT_S) == 0


@pytest.fixture
def free_address() -> Iterator[str]:
    """Where nobody listens, nor comes to."""
    with kept_port() as port:
        yield f"127.0.0.1:{port}"


def test_who_is_logged_in_elsewhere_is_told_how_to_name_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_address: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    keep_login("lab.example.org:7700", Login("a certificate", b"a secret"))
    code, said = refused("devices", address=free_address)
    assert code == 4
    assert "you are logged in at lab.example.org:7700: name it with --controller" in said


def test_an_address_that_nobody_listens_on(free_address: str) -> None:
    code, said = refused("devices", address=free_address)
    assert code == 4
    assert f"no controller answers at {free_address}; start one with 'edgerank controller'" in said
    code, said = refused("agent", "--controller", free_address, "--connect-timeout", "1")
    assert code == 4
    assert free_address in said


def test_a_port_that_is_taken(system: System, tmp_path: Path) -> None:
    port = system.address.rpartition(":")[2]
    code, said = refused("controller", "--port", port, "--state", str(tmp_path))
    assert code == 4
    assert f"cannot listen on 127.0.0.1:{port}: the port is taken" in said


def test_a_state_folder_that_another_controller_has(system: System) -> None:
    state = str(system.state_dir / "controller")
    code, said = refused("controller", "--port", "0", "--state", state)
    assert code == 4
    assert "another controller already serves the state folder" in said


def test_a_state_folder_of_an_unreleased_edgerank(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "controller.sqlite")
    database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    database.close()
    code, said = refused("controller", "--port", "0", "--state", str(tmp_path))
    assert code == 4
    assert "name another state folder or move this one away" in said


@pytest.mark.parametrize("command", [("controller", "--port", "0"), ("demo",)])
def test_a_state_folder_that_cannot_be_written(command: tuple[str, ...]) -> None:
    # A folder that not even root can make.
    code, said = refused(*command, "--state", "/proc/edgerank")
    assert code == 4
    assert "cannot write the state folder /proc/edgerank" in said


def test_a_name_that_another_device_has(system: System, tmp_path: Path) -> None:
    arguments = ("--controller", system.address, "--name", "pc", "--state", str(tmp_path))
    code, said = refused("agent", *arguments)
    assert code == 2
    assert "another device is already named 'pc'; give this one another name" in said


def test_published_weights_without_a_network_fail_and_name_the_way_on(tmp_path: Path) -> None:
    # A proxy that nobody runs is a network that is not there, wherever this test runs.
    no_network = {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    with (
        running_controller(tmp_path / "state", environment=no_network) as (_controller, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        done = edgerank("convert", "GhostNet_x0_5", address=address)
        swept = edgerank("sweep", "--models", "GhostNet_x0_5", "--json", address=address)
    assert done.returncode == 4
    assert "--weights synthetic" in " ".join(done.stdout.split())
    assert "0 of 3 artifacts refused and 3 failed" in done.stderr
    for job in json.loads(swept.stdout)["ended"]:
        assert [why["code"] for why in job["reasons"]] == ["weights_unavailable"]
        assert "--weights synthetic" in job["reasons"][0]["sentence"]


def test_a_state_that_is_full_fails_the_jobs_and_says_why(tmp_path: Path) -> None:
    # No file of the controller may grow beyond 2 MB: exactly what a full disk does to it.
    limit = ("prlimit", f"--fsize={2_000_000}", "--")
    with (
        running_controller(tmp_path / "controller", before=limit) as (controller, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        command = ("sweep", "--models", "PPLCNet_x0_25", *QUICK_SWEEP, "--json")
        done = edgerank(*command, address=address)
        assert done.returncode == 4
        assert "Traceback" not in done.stderr
        ended = json.loads(done.stdout)["ended"]
        assert [job["verdict"] for job in ended] == ["failed", "failed"]
        told = [reason["words"]["detail"] for job in ended for reason in job["reasons"]]
        assert all("File too large" in detail for detail in told)
        assert len(told) == len(ended)
        assert edgerank("devices", address=address).returncode == 0
        assert controller.process.poll() is None
