"""Who is refused is told of in the log, in few lines; changes that were, in the log of changes."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest

from agent.link.identity import new_request
from protos.joining import JoinToken, bearer_letters, parse_access_token
from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc
from tests.integration.access.conftest import Guarded
from tests.integration.bounds.conftest import answer_of, limited_guarded

REFUSED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with limited_guarded(tmp_path, failed_joins_an_address=3) as started:
        yield started


def join(channel: grpc.Channel, secret: bytes) -> fleet_pb2.JoinResponse:
    request = fleet_pb2.JoinRequest(
        secret=secret, certificate_request_der=new_request().request_der
    )
    return fleet_pb2_grpc.JoiningStub(channel).Join(request, timeout=60)


def lines(guarded: Guarded, *words: str) -> list[str]:
    """What the log says with all of the words."""
    return [line for line in guarded.running.output.lines if all(word in line for word in words)]


def test_who_guesses_tokens_is_not_listened_to_and_told_of_once(guarded: Guarded) -> None:
    token = guarded.token("--uses", "200")
    authority = guarded.authority(token)
    host = guarded.address.rpartition(":")[0]
    guesses = [bytes([number]) * 32 for number in range(10)]
    with guarded.channel(authority) as channel:
        answers = [answer_of(partial(join, channel, guess)) for guess in guesses]
        assert answers == [UNKNOWN] * 3 + [grpc.StatusCode.RESOURCE_EXHAUSTED] * 7
        # Not even a guess that is right.
        assert answer_of(lambda: join(channel, token.secret)) is answers[-1]
    # Everybody else joins, however many they are.
    elsewhere = Guarded(
        guarded.running, guarded.local, guarded.local, guarded.fleet_address, guarded.folder
    )
    with elsewhere.channel(authority) as channel:
        joined = {join(channel, token.secret).membership.device_id for _ in range(100)}
    assert len(joined) == 100
    guarded.running.stop()
    guarded.running.output.wait_for('refused more calls" caller="a stranger .*call_count=7')
    assert len(lines(guarded, "event=refused", "call=Join", host, "UNAUTHENTICATED")) == 1
    assert len(lines(guarded, "event=refused", "call=Join", host, "RESOURCE_EXHAUSTED")) == 1
    assert len(lines(guarded, "refused more calls", "call_count=2", host, "UNAUTHENTICATED")) == 1
    said = "\n".join(guarded.running.output.lines)
    assert not [each for each in (token.secret, *guesses) if bearer_letters(each) in said]


def test_a_change_that_was_refused_is_written_down_with_who_wanted_it(guarded: Guarded) -> None:
    secret = parse_access_token(guarded.access("ci", "--scope", "read")).secret
    metadata = (("authorization", f"Bearer {bearer_letters(secret)}"),)
    with guarded.channel(guarded.authority(guarded.token())) as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        request = query_pb2.RemoveDeviceRequest(device="phone")
        for _ in range(3):
            assert answer_of(lambda: stub.RemoveDevice(request, metadata=metadata)) is REFUSED
        assert answer_of(lambda: stub.RemoveDevice(request)) is UNKNOWN
    refused = 'event=refused caller="{} .*call=RemoveDevice status={}'
    guarded.running.output.wait_for(refused.format("the token ci", "PERMISSION_DENIED"))
    guarded.running.output.wait_for(refused.format("a stranger", "UNAUTHENTICATED"))
    assert len(lines(guarded, "event=refused", "call=RemoveDevice")) == 2
    written = json.loads(guarded.command("audit", "--json"))
    in_vain = [each for each in written if each["was_refused"]]
    assert [(each["action"], each["caller_name"]) for each in in_vain] == [("RemoveDevice", "ci")]
    assert "refused" in guarded.command("audit")


def test_a_token_that_is_good_for_nothing_is_told_of_without_its_letters(guarded: Guarded) -> None:
    letters = bearer_letters(bytes(range(32)))
    metadata = (("authorization", f"Bearer {letters}"),)
    token: JoinToken = guarded.token()
    with guarded.channel(guarded.authority(token)) as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        listing = query_pb2.ListDevicesRequest()
        assert answer_of(lambda: stub.ListDevices(listing, metadata=metadata)) is UNKNOWN
    guarded.running.output.wait_for('event=refused caller="a stranger .*call=ListDevices')
    assert not lines(guarded, letters)
