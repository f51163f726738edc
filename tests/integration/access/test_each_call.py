"""Each call, by everybody who may not make it: what the table of needs says is what happens."""

import json
from collections.abc import Iterator

import grpc
import pytest

from controller.api.rpc.needs import NEEDS, Need, Who
from controller.domain.access import Caller, CallerKind, Scope
from protos.joining import bearer_letters, parse_access_token
from protos.joining.presented import presented_authority
from tests.integration.access.conftest import Guarded, status_of

DENIED = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}
LESSER = (Scope.READ, Scope.OPERATE, Scope.MODELS)


def may_call(caller: Caller, need: Need) -> bool:
    if isinstance(need.of_caller, Scope):
        return caller.has(need.of_caller)
    return need.of_caller is Who.ANYONE or caller.device_id is not None


def answer_to(
    channel: grpc.Channel, path: str, metadata: tuple[tuple[str, str], ...] = ()
) -> grpc.StatusCode:
    """What a call ends with that asks for nothing in particular, or its first answer."""
    ask: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    call = ask(iter([b""]), timeout=30, metadata=metadata)
    try:
        next(iter(call), None)
    except grpc.RpcError as error:
        return status_of(error)
    finally:
        call.cancel()
    return grpc.StatusCode.OK


@pytest.fixture(params=LESSER, ids=lambda scope: str(scope.value))
def person(
    request: pytest.FixtureRequest, guarded: Guarded
) -> Iterator[tuple[Caller, grpc.Channel, tuple[tuple[str, str], ...]]]:
    """Somebody whose token has one scope that is not all."""
    scope: Scope = request.param
    name = f"each-{scope.value}"
    token = parse_access_token(guarded.access(name, "--scope", scope.value))
    authority = presented_authority(guarded.address, token.authority_sha256, 10)
    caller = Caller(caller=CallerKind.TOKEN, caller_name=name, scopes=(scope,))
    with guarded.channel(authority) as channel:
        yield caller, channel, (("authorization", f"Bearer {bearer_letters(token.secret)}"),)


def test_a_token_makes_no_call_beyond_its_scope(
    person: tuple[Caller, grpc.Channel, tuple[tuple[str, str], ...]],
) -> None:
    caller, channel, metadata = person
    for path, need in NEEDS.items():
        if not may_call(caller, need):
            assert answer_to(channel, path, metadata) is grpc.StatusCode.PERMISSION_DENIED, path
        elif need.subject is None:
            assert answer_to(channel, path, metadata) not in DENIED, path


def test_a_member_makes_no_call_of_people(guarded: Guarded) -> None:
    member = guarded.join(guarded.token())
    caller = Caller(caller=CallerKind.MEMBER, caller_name=member.device_id)
    with guarded.member_channel(member) as channel:
        for path, need in NEEDS.items():
            if not may_call(caller, need):
                assert answer_to(channel, path) is grpc.StatusCode.PERMISSION_DENIED, path


def test_each_change_that_is_refused_is_in_the_log_of_changes(guarded: Guarded) -> None:
    token = parse_access_token(guarded.access("looks", "--scope", "read"))
    metadata = (("authorization", f"Bearer {bearer_letters(token.secret)}"),)
    # What a device or a stranger asks for is no change that a person was refused.
    changes = {
        path
        for path, need in NEEDS.items()
        if need.subject is not None and isinstance(need.of_caller, Scope)
    }
    authority = presented_authority(guarded.address, token.authority_sha256, 10)
    with guarded.channel(authority) as channel:
        for path in changes:
            assert answer_to(channel, path, metadata) is grpc.StatusCode.PERMISSION_DENIED, path
    noted = json.loads(guarded.command("audit", "--json", "--last", "1000"))
    refused = {each["action"] for each in noted if each["caller_name"] == "looks"}
    assert refused == {path.rpartition("/")[2] for path in changes}
