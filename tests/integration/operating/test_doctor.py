"""`edgerank doctor` tells what is wrong with a set-up, and ends with 1 when something is."""

import asyncio
import json
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from jsonschema import Draft202012Validator

from agent.doctor import examination
from agent.doctor.examination import threads_found
from agent.doctor.way import certificate_found, way_found
from agent.errors import AgentError
from controller.access.certificates import new_authority
from protos.checks import CheckOutcome
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.pages import ROOT
from tests.processes import edgerank, running_agent, running_controller

OK, WARNING, FAILED = (outcome.value for outcome in CheckOutcome)


def doctor(*arguments: str) -> tuple[int, dict[str, str]]:
    """The exit code, and what each check came to."""
    done = edgerank("doctor", *arguments, "--json")
    document: list[dict[str, Any]] = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs/schemas/operating/doctor.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    for finding in document:
        assert bool(finding["advice"]) == (finding["outcome"] != OK), finding
    worst = {"ok": 0, "warning": 1, "failed": 2}
    found: dict[str, str] = {}
    for finding in document:
        name = f"{finding['side']} {finding['check']}"
        found[name] = max(found.get(name, OK), finding["outcome"], key=worst.__getitem__)
    return done.returncode, found


def test_both_sides_of_a_fleet_at_work_are_examined(own_home: Path) -> None:
    with (
        running_controller(own_home / "controller") as (_, address),
        running_agent(address, "pc", own_home / "agent"),
    ):
        exit_code, found = doctor("--controller", address)
        assert (exit_code, FAILED in found.values()) == (0, False)
        assert {name.partition(" ")[0] for name in found} == {"agent", "controller"}
        for fine in ("runtimes", "folder", "identity", "spool", "controller", "threads"):
            assert found[f"agent {fine}"] == OK
        for fine in ("database", "keys", "artifacts", "folder", "serving", "converters"):
            assert found[f"controller {fine}"] == OK
        done = edgerank("doctor", "agent", "--controller", address)
        assert done.returncode == 0
        # A line a check, each with its outcome first.
        lines = done.stdout.splitlines()
        assert {line.split()[0] for line in lines} <= {OK, WARNING}
        assert {line.split()[1] for line in lines} == {"agent"}
        assert "\x1b" not in done.stdout


def test_what_is_broken_ends_with_1(own_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    folder.mkdir(mode=0o700)
    (folder / "identity.json").write_text("{")
    exit_code, found = doctor("agent", "--state", str(folder), "--controller", "127.0.0.1:1")
    assert exit_code == 1
    assert (found["agent identity"], found["agent controller"]) == (FAILED, FAILED)
    served = tmp_path / "controller"
    with running_controller(served):
        pass
    (served / "controller.sqlite").write_bytes(b"no database" * 1_000)
    exit_code, found = doctor("controller", "--state", str(served))
    assert (exit_code, found["controller database"]) == (1, FAILED)
    assert not own_home.exists()


def test_which_side_is_meant_has_to_be_known(tmp_path: Path) -> None:
    for arguments in ([], ["--state", str(tmp_path)]):
        done = edgerank("doctor", *arguments)
        assert (done.returncode, done.stderr.count("error:")) == (2, 1)


def test_a_member_is_told_whether_its_certificate_is_taken(tmp_path: Path) -> None:
    with guarded_controller(tmp_path) as guarded:
        with guarded.agent("board", guarded.token()):
            pass
        folder = str(tmp_path / "board")
        exit_code, found = doctor("agent", "--state", folder)
        assert exit_code == 0
        assert [found[f"agent {name}"] for name in ("identity", "certificate", "controller")] == [
            *(OK, OK, OK)
        ]
        guarded.command("devices", "revoke", "board")
        exit_code, found = doctor("agent", "--state", folder)
        assert (exit_code, found["agent controller"]) == (1, FAILED)


def test_a_device_that_has_not_joined_is_told_that_its_controller_is_there(tmp_path: Path) -> None:
    with guarded_controller(tmp_path) as guarded:
        folder = str(tmp_path / "new")
        exit_code, found = doctor("agent", "--state", folder, "--controller", guarded.address)
        assert (exit_code, found["agent controller"]) == (0, WARNING)
        told = edgerank("doctor", "agent", "--state", folder, "--controller", guarded.address)
        assert f"a controller answers at {guarded.address}, with TLS" in " ".join(
            told.stdout.split()
        )
        assert "token create" in told.stdout


async def test_what_is_no_controller_is_told_as_such(tmp_path: Path) -> None:
    """Neither what speaks no gRPC, nor what speaks TLS and hangs up."""
    (tmp_path / "another.pem").write_bytes(new_authority(None).to_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "another.pem")
    for secured in (None, context):
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", ssl=secured
        )
        port = server.sockets[0].getsockname()[1]
        found = await way_found(None, f"127.0.0.1:{port}", answer_s=2)
        server.close()
        assert found.outcome is CheckOutcome.FAILED
        assert f"127.0.0.1:{port}" in found.found


@pytest.fixture
def guarded(tmp_path: Path) -> Any:
    with guarded_controller(tmp_path) as started:
        yield started


@pytest.mark.parametrize(
    ("days_before_its_end", "outcome"),
    [(20, CheckOutcome.OK), (2, CheckOutcome.WARNING), (-1, CheckOutcome.WARNING)],
)
def test_a_certificate_that_ends_is_told(
    guarded: Guarded, days_before_its_end: int, outcome: CheckOutcome
) -> None:
    member = guarded.join(guarded.token())
    ends = x509.load_pem_x509_certificate(member.certificate_pem.encode()).not_valid_after_utc
    now = ends - timedelta(days=days_before_its_end)
    assert certificate_found(member, now).outcome is outcome
    assert certificate_found(member, datetime.now(timezone.utc)).outcome is CheckOutcome.OK


async def test_a_device_that_knows_no_controller_is_told() -> None:
    assert (await way_found(None, None)).outcome is CheckOutcome.WARNING


def test_a_device_without_room_for_threads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads_found().outcome is CheckOutcome.OK

    def refuse() -> Callable[[], None]:
        raise AgentError("no more than 3 threads can be started: end other processes")

    monkeypatch.setattr(examination, "check_threads", refuse)
    found = threads_found()
    assert (found.outcome, found.advice) == (CheckOutcome.FAILED, "end other processes")
