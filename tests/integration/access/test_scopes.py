"""What people and programs may do is what their token says, and what they did is written down."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import grpc
import pytest

from protos.joining import bearer_letters, parse_access_token
from protos.joining.presented import presented_authority
from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.access.conftest import Guarded, status_of
from tests.processes import edgerank, running

# A backbone that there is, on a device that there is not.
SWEEP = ("sweep", "--models", "PPLCNet_x0_25", "--devices", "nobody")


def _log_in(guarded: Guarded, token: str) -> None:
    path = guarded.folder / "access.token"
    path.write_text(token)
    done = edgerank("login", guarded.address, "--token", f"@{path}")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def logged_out(guarded: Guarded) -> Iterator[None]:
    yield
    edgerank("logout", guarded.address)


def _exit_code(guarded: Guarded, *command: str) -> int:
    return edgerank(*command, address=guarded.address).returncode


@pytest.mark.usefixtures("logged_out")
@pytest.mark.parametrize(
    ("scope", "devices", "sweep", "audit"),
    [("read", 0, 4, 4), ("operate", 0, 2, 4), ("models", 0, 4, 4), ("admin", 0, 2, 0)],
)
def test_a_scope_allows_what_it_says(
    guarded: Guarded, scope: str, devices: int, sweep: int, audit: int
) -> None:
    _log_in(guarded, guarded.access(f"of-{scope}", "--scope", scope))
    # 4 is refused; 2 is that there is no such device, which only who may sweep is told.
    assert _exit_code(guarded, "devices") == devices
    assert _exit_code(guarded, *SWEEP) == sweep
    # To look at what a sweep would do changes nothing.
    assert _exit_code(guarded, "plan", *SWEEP[1:]) == 2
    assert _exit_code(guarded, "audit") == audit


@pytest.mark.usefixtures("logged_out")
def test_a_token_that_was_revoked_is_worth_nothing(guarded: Guarded) -> None:
    _log_in(guarded, guarded.access("leaves"))
    guarded.command("access", "revoke", "leaves")
    assert _exit_code(guarded, "devices") == 4
    assert "leaves" not in guarded.command("access", "list")


def test_a_revoked_token_ends_what_is_asked_with_it(guarded: Guarded) -> None:
    token = parse_access_token(guarded.access("adds", "--scope", "operate"))
    authority = presented_authority(guarded.address, token.authority_sha256, 10)
    metadata = (("authorization", f"Bearer {bearer_letters(token.secret)}"),)
    # It waits for more of its request, which never comes.
    more: SimpleQueue[query_pb2.ImportAccuracyRequest | None] = SimpleQueue()
    with guarded.channel(authority) as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        stub.ListDevices(query_pb2.ListDevicesRequest(), timeout=10, metadata=metadata)
        call = stub.ImportAccuracy.future(iter(more.get, None), timeout=60, metadata=metadata)
        guarded.command("devices")
        guarded.command("access", "revoke", "adds")
        ended = call.exception(timeout=30)
        more.put(None)
    assert status_of(ended) in {
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }


@pytest.mark.usefixtures("logged_out")
def test_a_token_is_shown_once_and_kept_nowhere(guarded: Guarded) -> None:
    token = guarded.access("seen")
    _log_in(guarded, token)
    secret = parse_access_token(token).secret
    letters = token.split(".")[1].encode()
    state = guarded.folder / "controller"
    for path in filter(lambda each: each.is_file(), state.rglob("*")):
        content = path.read_bytes()
        assert secret not in content, path
        assert letters not in content, path
    printed = "\n".join(guarded.running.output.lines)
    assert token.split(".")[1] not in printed + guarded.command("access", "list")


def test_what_was_changed_is_written_down_with_who_did_it(guarded: Guarded) -> None:
    member = guarded.join(guarded.token())
    guarded.access("noted")
    done = json.loads(guarded.command("audit", "--json"))
    noted = [(each["action"], each["caller"], each["subject"]) for each in done]
    later, earlier = ("CreateAccess", "owner", "noted"), ("Join", "join_token", member.device_id)
    assert noted.index(later) < noted.index(earlier)


def test_a_token_of_another_controller_is_not_kept(guarded: Guarded) -> None:
    token = guarded.access("elsewhere")
    kind, secret, _digest = token.split(".")
    path = guarded.folder / "foreign.token"
    path.write_text(".".join((kind, secret, "A" * 43)))
    done = edgerank("login", guarded.address, "--token", f"@{path}")
    assert done.returncode == 4
    assert secret not in done.stderr
    assert edgerank("logout", guarded.address).returncode == 2


@pytest.mark.usefixtures("logged_out")
def test_a_login_is_kept_for_its_owner_alone(guarded: Guarded) -> None:
    _log_in(guarded, guarded.access("kept"))
    kept = [*Path(os.environ["XDG_CONFIG_HOME"]).rglob("*")]
    assert kept
    assert not [path for path in kept if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("logged_out")
def test_who_tries_a_token_that_is_worth_nothing_stays_logged_in(guarded: Guarded) -> None:
    _log_in(guarded, guarded.access("stays"))
    revoked = guarded.access("goes")
    guarded.command("access", "revoke", "goes")
    path = guarded.folder / "revoked.token"
    path.write_text(revoked)
    assert edgerank("login", guarded.address, "--token", f"@{path}").returncode == 4
    assert _exit_code(guarded, "devices") == 0


def test_a_token_is_no_argument(guarded: Guarded) -> None:
    token = guarded.access("argued")
    done = edgerank("login", guarded.address, "--token", token)
    assert done.returncode == 2
    assert token not in done.stderr


def test_a_file_of_a_token_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    agent = ("agent", "--join", "@nowhere.txt", "--state", str(tmp_path))
    for arguments in (("login", "127.0.0.1:1", "--token", "@nowhere.txt"), agent):
        done = edgerank(*arguments)
        assert done.returncode == 2
        assert "nowhere.txt cannot be read: No such file" in done.stderr
        assert "Errno" not in done.stderr


@pytest.mark.usefixtures("logged_out")
def test_who_may_operate_lets_devices_rest_and_it_is_told_who_did(guarded: Guarded) -> None:
    with (
        running("devices", "--watch", "--controller", guarded.local) as watch,
        guarded.agent("sleeper", guarded.token()),
    ):
        watch.output.wait_for("sleeper: connected; takes jobs")
        _log_in(guarded, guarded.access("looks", "--scope", "read"))
        assert _exit_code(guarded, "devices", "rest", "sleeper") == 4
        _log_in(guarded, guarded.access("night", "--scope", "operate"))
        assert _exit_code(guarded, "devices", "rest", "sleeper") == 0
        assert _exit_code(guarded, "devices", "rest", "sleepre") == 2
        listed = json.loads(guarded.command("devices", "--json"))
        (standing,) = (each["standing"] for each in listed if each["name"] == "sleeper")
        assert (standing["condition"], standing["caller"]) == ("resting", "token")
        assert standing["caller_name"] == "night"
        watch.output.wait_for("sleeper: connected; rests since .*, by the token night")
        assert "rests since" in guarded.command("devices", "show", "sleeper")
        assert _exit_code(guarded, "devices", "wake", "sleeper") == 0
        assert "takes jobs" in guarded.command("devices", "drain", "sleeper") + guarded.command(
            "devices", "wake", "sleeper"
        )
    # Its agent has ended as agents do.
    assert "left" in guarded.command("devices", "show", "sleeper")
    told = json.loads(guarded.command("devices", "history", "sleeper", "--json"))
    assert [each["kind"] for each in reversed(told)] == [
        *("joined", "connected", "resting", "woken", "resting", "woken", "left")
    ]
    guarded.command("devices", "revoke", "sleeper")
    assert "revoked" in guarded.command("devices", "history", "sleeper", "--last", "1")
    done = json.loads(guarded.command("audit", "--json"))
    noted = {(each["action"], each["caller_name"]) for each in done if each["subject"] == "sleeper"}
    assert {("RestDevice", "night"), ("WakeDevice", "night"), ("DrainDevice", "")} <= noted
