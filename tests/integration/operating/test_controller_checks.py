"""Each check of a controller's set-up has what it fails for, and changes nothing."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controller.access.authorities import Authorities
from controller.domain.access import Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.examination import (
    artifacts_found,
    converters_found,
    database_found,
    folder_found,
    keys_found,
    serving_found,
)
from controller.state.database import claim_state, open_database
from controller.state.schema import REVISION_TABLE
from models.catalog.catalog import load_catalog
from models.catalog.variants import variants_of
from protos.checks import CheckOutcome, Finding
from tests.integration.controller.conftest import store_artifact

FINE, WARNING, FAILED = CheckOutcome.OK, CheckOutcome.WARNING, CheckOutcome.FAILED


def outcomes(*findings: Finding) -> dict[str, CheckOutcome]:
    return {each.check: each.outcome for each in findings}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that a controller left."""
    folder = tmp_path / "state"
    with claim_state(folder):
        open_database(f"sqlite:///{folder / 'controller.sqlite'}").close()
        Authorities(folder / "access")
    return folder


def test_what_a_controller_left_is_fine(state: Path) -> None:
    found = (*folder_found(state, needed_bytes=0), database_found(state), keys_found(state))
    assert set(outcomes(*found, artifacts_found(state)).values()) == {FINE}


def test_a_first_start_finds_nothing_wrong(tmp_path: Path) -> None:
    state = tmp_path / "new" / "controller"
    found = (*folder_found(state, needed_bytes=0), database_found(state), keys_found(state))
    assert set(outcomes(*found, artifacts_found(state)).values()) == {FINE}
    assert not state.exists()


def test_a_folder_that_others_read_cannot_be_written_or_is_full_is_told(
    state: Path, tmp_path: Path
) -> None:
    (state / "controller.sqlite").chmod(0o644)
    assert outcomes(*folder_found(state, needed_bytes=0))["folder"] is WARNING
    assert outcomes(*folder_found(state, needed_bytes=10**18))["room"] is FAILED
    (tmp_path / "file").touch()
    assert outcomes(*folder_found(tmp_path / "file" / "controller")) == {"folder": FAILED}


def test_a_damaged_database_is_told(state: Path) -> None:
    path = state / "controller.sqlite"
    content = bytearray(path.read_bytes())
    for start in range(4_096, len(content), 8_192):
        content[start : start + 512] = b"\xff" * 512
    path.write_bytes(content)
    assert database_found(state).outcome is FAILED
    path.write_bytes(b"no database" * 1_000)
    assert database_found(state).outcome is FAILED
    assert artifacts_found(state).outcome is FAILED


@pytest.mark.parametrize(("revision", "outcome"), [("9999", FAILED), ("0000", WARNING)])
def test_a_database_of_another_revision_is_told(
    state: Path, revision: str, outcome: CheckOutcome
) -> None:
    with closing(sqlite3.connect(state / "controller.sqlite")) as database, database:
        database.execute(f"UPDATE {REVISION_TABLE} SET version_num = ?", (revision,))
    assert database_found(state).outcome is outcome


def test_a_database_that_is_served_can_be_examined(state: Path) -> None:
    with claim_state(state):
        served = open_database(f"sqlite:///{state / 'controller.sqlite'}")
        with served.transaction() as transaction:
            transaction.exec_driver_sql("CREATE TABLE more (word TEXT)")
            assert database_found(state).outcome is FINE
        served.close()


def test_artifacts_whose_files_are_gone_are_counted(state: Path) -> None:
    database = open_database(f"sqlite:///{state / 'controller.sqlite'}")
    [variant, *_] = variants_of(load_catalog().get("MobileNetV1"))
    store_artifact(database, variant)
    database.close()
    found = artifacts_found(state)
    assert found.outcome is WARNING
    assert found.found.startswith("1 of 1 ")


def test_keys_that_are_damaged_or_open_to_others_are_told(state: Path) -> None:
    [path] = (state / "access").glob("authority-*.pem")
    path.chmod(0o640)
    assert keys_found(state).outcome is FAILED
    path.chmod(0o600)
    assert keys_found(state).outcome is FINE
    path.write_text("no key")
    assert keys_found(state).outcome is FAILED


def test_converters_that_are_missing_are_named() -> None:
    assert converters_found(("pytest",)).outcome is FINE
    found = converters_found(("pytest", "no-such-converter"))
    assert found.outcome is WARNING
    assert "no-such-converter" in found.found


def _refused(code: ErrorCode) -> EdgerankError:
    return EdgerankError(code, "no controller answers at 127.0.0.1:1; start one")


def test_a_controller_that_answers_says_who_asks(state: Path) -> None:
    owner = Caller(caller=CallerKind.OWNER, scopes=(Scope.ADMIN,))
    found = serving_found(state, "127.0.0.1:1", lambda _address: owner)
    assert found.outcome is FINE
    assert "admin" in found.found


@pytest.mark.parametrize(
    ("code", "is_served", "outcome"),
    [
        (ErrorCode.UNREACHABLE, False, WARNING),
        # On another address, or it hangs.
        (ErrorCode.UNREACHABLE, True, FAILED),
        (ErrorCode.UNKNOWN_CALLER, True, FAILED),
    ],
)
def test_a_controller_that_does_not_answer_is_told(
    state: Path, code: ErrorCode, is_served: bool, outcome: CheckOutcome
) -> None:
    def ask(_address: str) -> Caller:
        raise _refused(code)

    if not is_served:
        assert serving_found(state, "127.0.0.1:1", ask).outcome is outcome
        return
    with claim_state(state):
        assert serving_found(state, "127.0.0.1:1", ask).outcome is outcome


def test_another_program_at_the_port_is_told(state: Path) -> None:
    def ask(_address: str) -> Caller:
        raise _refused(ErrorCode.UNREACHABLE)

    with socket.create_server(("127.0.0.1", 0)) as other:
        found = serving_found(state, f"127.0.0.1:{other.getsockname()[1]}", ask)
    assert found.outcome is FAILED
    assert "another program" in found.found
