"""Devices join by tokens, and are who their certificates say from then on."""

import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import grpc
import pytest

from agent.link.identity import Identity, new_request
from protos.joining import SERVER_NAME, JoinToken
from protos.v1 import fleet_pb2, fleet_pb2_grpc, types_pb2
from tests.integration.access.conftest import Guarded, guarded_controller, status_of
from tests.processes import edgerank


def _hello(device_id: str, name: str) -> fleet_pb2.ConnectRequest:
    return fleet_pb2.ConnectRequest(
        hello=fleet_pb2.Hello(
            device_id=device_id, name=name, profile=types_pb2.DeviceProfile(architecture="x86_64")
        )
    )


def _devices(guarded: Guarded) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(guarded.command("devices", "--json"))}


def _refused_join(guarded: Guarded, token: JoinToken) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        guarded.join(token)
    return status_of(refused.value)


def test_a_device_joins_once_and_comes_back_without_a_token(guarded: Guarded) -> None:
    token = guarded.token("--label", "room=lab")
    with guarded.agent("board", token):
        joined = _devices(guarded)["board"]
    # Whatever starts it again and again may go on naming its token.
    for again in (token, None):
        with guarded.agent("board", again):
            back = _devices(guarded)["board"]
            assert (back["connected"], back["labels"]) == (True, joined["labels"])
    assert joined["device_id"] == guarded.identity("board").device_id
    assert joined["labels"] == {"called": "board", "room": "lab"}
    kept = guarded.folder / "board" / "identity.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_token_lets_as_many_in_as_it_says_and_no_more(guarded: Guarded) -> None:
    token = guarded.token("--uses", "2")
    first, second = guarded.join(token), guarded.join(token)
    assert first.device_id != second.device_id
    assert _refused_join(guarded, token) is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_that_is_too_old_or_was_revoked_lets_nobody_in(guarded: Guarded) -> None:
    old = guarded.token("--ttl", "0.001s")
    assert _refused_join(guarded, old) is grpc.StatusCode.UNAUTHENTICATED
    revoked = guarded.token("--label", "of=revoked")
    [listed] = [
        line.split()[0] for line in guarded.command("token", "list").splitlines() if "of=" in line
    ]
    guarded.command("token", "revoke", listed)
    assert _refused_join(guarded, revoked) is grpc.StatusCode.UNAUTHENTICATED


def test_what_is_no_certificate_request_does_not_use_a_token_up(guarded: Guarded) -> None:
    token = guarded.token()
    request = fleet_pb2.JoinRequest(secret=token.secret, certificate_request_der=b"\x30\x00")
    with (
        guarded.channel(guarded.authority(token)) as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        fleet_pb2_grpc.JoiningStub(channel).Join(request, timeout=10)
    assert status_of(refused.value) is grpc.StatusCode.INVALID_ARGUMENT
    assert guarded.join(token).device_id


def test_an_agent_does_not_join_a_controller_that_its_token_is_not_of(guarded: Guarded) -> None:
    token = guarded.token()
    wrong = JoinToken(secret=token.secret, authority_sha256=bytes(32), addresses=(guarded.address,))
    path = guarded.folder / "wrong.token"
    path.write_text(wrong.spelt())
    ended = edgerank("agent", "--join", f"@{path}", "--state", str(guarded.folder / "wrong"))
    assert ended.returncode == 4
    assert guarded.address in ended.stderr
    # The secret was told to nobody.
    assert guarded.join(token).device_id


@pytest.mark.parametrize("written", ["", "edgerank-join.AAAA", "edgerank-access.AA.BB"])
def test_what_is_no_token_is_refused_and_not_repeated(guarded: Guarded, written: str) -> None:
    path = guarded.folder / "no.token"
    path.write_text(written)
    ended = edgerank("agent", "--join", f"@{path}", "--state", str(guarded.folder / "none"))
    assert ended.returncode == 2
    assert not written or written not in ended.stderr


def test_nobody_speaks_for_a_device_whose_certificate_is_another_ones(guarded: Guarded) -> None:
    mine, others = guarded.join(guarded.token()), guarded.join(guarded.token())
    with _stream(guarded, others, "others") as (answers, _say):
        assert next(answers).WhichOneof("message") == "welcome"
    with guarded.member_channel(mine) as channel:
        stream = fleet_pb2_grpc.FleetStub(channel).Connect(
            iter([_hello(others.device_id, "mine")]), timeout=10
        )
        assert _ends_with(stream) is grpc.StatusCode.PERMISSION_DENIED
    # Nor does who needs no certificate, being the owner.
    with _local_channel(guarded, mine) as channel:
        stream = fleet_pb2_grpc.FleetStub(channel).Connect(
            iter([_hello(others.device_id, "mine")]), timeout=10
        )
        assert _ends_with(stream) is grpc.StatusCode.PERMISSION_DENIED


def test_a_token_for_a_device_goes_on_with_its_history_and_shuts_the_one_before_out(
    guarded: Guarded,
) -> None:
    before = guarded.join(guarded.token())
    with _stream(guarded, before, "kept") as (answers, _say):
        assert next(answers).WhichOneof("message") == "welcome"
        after = guarded.join(guarded.token("--device", "kept"))
        assert _ends_with(answers) is grpc.StatusCode.PERMISSION_DENIED
    assert after.device_id == before.device_id
    with guarded.member_channel(before) as channel:
        stream = fleet_pb2_grpc.FleetStub(channel).Connect(
            iter([_hello(before.device_id, "kept")]), timeout=10
        )
        assert _ends_with(stream) is grpc.StatusCode.PERMISSION_DENIED


def test_a_revoked_agent_is_cut_off_at_once_and_does_not_come_back(guarded: Guarded) -> None:
    with guarded.agent("gone", guarded.token()) as agent:
        guarded.command("devices", "revoke", "gone")
        assert agent.process.wait(timeout=30) == 2
    again = edgerank("agent", "--name", "gone", "--state", str(guarded.folder / "gone"))
    assert again.returncode == 2
    assert not _devices(guarded)["gone"]["connected"]
    with guarded.agent("gone", guarded.token("--device", "gone")):
        assert _devices(guarded)["gone"]["connected"]


def test_a_certificate_is_renewed_while_it_is_used_and_ends_when_it_is_not(
    guarded: Guarded,
) -> None:
    with (
        guarded_controller(guarded.folder, "--certificate-lifetime", "12s", state="short") as short,
        short.agent("short", short.token()) as agent,
    ):
        first = short.identity("short").certificate_pem
        while short.identity("short").certificate_pem == first:
            assert _devices(short)["short"]["connected"] or agent.process.poll() is None
        # Its next stream has taken the place of the one before: it was never away.
        while sum("connected to" in line for line in tuple(agent.output.lines)) < 2:
            assert _devices(short)["short"]["connected"]
        history = json.loads(short.command("devices", "history", "short", "--json"))
        assert [event["kind"] for event in reversed(history)] == ["joined", "connected"]
        # One who holds a stream and never renews is told in time, and then it ends.
        with _stream(short, short.join(short.token()), "held") as (answers, _say):
            assert next(answers).WhichOneof("message") == "welcome"
            assert next(answers).WhichOneof("message") == "certificate_due"
            with pytest.raises(grpc.RpcError, match="has ended") as ended_stream:
                next(answers)
        assert status_of(ended_stream.value) is grpc.StatusCode.PERMISSION_DENIED
        agent.kill()
        left = short.identity("short")
        while _check(short, left) is grpc.StatusCode.OK:
            assert short.running.process.poll() is None
        ended = edgerank("agent", "--name", "short", "--state", str(short.folder / "short"))
        assert ended.returncode == 2
        assert "token create" in ended.stderr


def test_another_key_signs_while_the_fleet_is_connected(guarded: Guarded) -> None:
    missed = guarded.join(guarded.token())
    old_token = guarded.token()
    with guarded.agent("stays", guarded.token()) as agent:
        before = guarded.identity("stays")
        guarded.command("access", "rotate-ca")
        while guarded.identity("stays").authority_pem == before.authority_pem:
            assert agent.process.poll() is None
        while not _devices(guarded)["stays"]["connected"]:
            assert agent.process.poll() is None
    # Who was away trusts the new key through the old one, and gets a certificate of it.
    renewed = _renew(guarded, missed)
    assert renewed.authority_pem == guarded.identity("stays").authority_pem
    assert guarded.join(old_token).authority_pem == renewed.authority_pem


def test_after_a_theft_nothing_of_before_is_worth_anything(guarded: Guarded) -> None:
    with guarded_controller(guarded.folder, state="stolen") as stolen:
        member, token = stolen.join(stolen.token()), stolen.token()
        stolen.access("ada")
        stolen.command("access", "rotate-ca", "--distrust-earlier")
        with pytest.raises(grpc.RpcError) as refused:
            _renew(stolen, member)
        assert status_of(refused.value) is grpc.StatusCode.UNAVAILABLE
        new = stolen.token()
        moved = JoinToken(
            secret=token.secret, authority_sha256=new.authority_sha256, addresses=new.addresses
        )
        assert _refused_join(stolen, moved) is grpc.StatusCode.UNAUTHENTICATED
        assert "ada" not in stolen.command("access", "list")


def _check(guarded: Guarded, member: Identity) -> grpc.StatusCode:
    with guarded.channel(member.authority_pem.encode()) as channel:
        request = fleet_pb2.CheckCertificateRequest(certificate_pem=member.certificate_pem)
        try:
            fleet_pb2_grpc.JoiningStub(channel).CheckCertificate(request, timeout=10)
        except grpc.RpcError as error:
            return status_of(error)
    return grpc.StatusCode.OK


def _renew(guarded: Guarded, member: Identity) -> fleet_pb2.Membership:
    with guarded.member_channel(member) as channel:
        request = fleet_pb2.RenewRequest(certificate_request_der=new_request().request_der)
        return fleet_pb2_grpc.JoiningStub(channel).Renew(request, timeout=10).membership


@contextmanager
def _stream(
    guarded: Guarded, member: Identity, name: str
) -> Iterator[tuple[Iterator[fleet_pb2.ConnectResponse], Callable[[Any], None]]]:
    """A member's stream: what it hears, and how it says something more."""
    said: SimpleQueue[fleet_pb2.ConnectRequest | None] = SimpleQueue()
    said.put(_hello(member.device_id, name))
    with guarded.member_channel(member) as channel:
        answers = fleet_pb2_grpc.FleetStub(channel).Connect(iter(said.get, None), timeout=60)
        try:
            yield answers, said.put
        finally:
            said.put(None)
            answers.cancel()


@contextmanager
def _local_channel(guarded: Guarded, member: Identity) -> Iterator[grpc.Channel]:
    credentials = grpc.ssl_channel_credentials(member.authority_pem.encode())
    named = (("grpc.ssl_target_name_override", SERVER_NAME),)
    with grpc.secure_channel(guarded.local, credentials, named) as channel:
        yield channel


def _ends_with(answers: Iterator[Any]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as ended:
        for _answer in answers:
            pass
    return status_of(ended.value)
