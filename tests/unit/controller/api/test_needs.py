"""Every call has what it needs of its caller in the one table, and the table has no other."""

from operator import attrgetter

import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from controller.api.limits import Load
from controller.api.rpc.calls import Said
from controller.api.rpc.needs import NEEDS, UNLISTED, Who
from controller.domain.access import Caller, CallerKind, Scope
from protos.v1 import fleet_pb2, query_pb2

METHODS = {
    f"/{service.full_name}/{method.name}": method
    for file in (
        fleet_pb2.DESCRIPTOR,
        query_pb2.DESCRIPTOR,
        health_pb2.DESCRIPTOR,
        reflection_pb2.DESCRIPTOR,
    )
    for service in file.services_by_name.values()
    for method in service.methods
}


def test_the_table_is_complete() -> None:
    assert set(NEEDS) == set(METHODS)
    assert UNLISTED.of_caller is Scope.ADMIN


def test_only_what_asks_for_proof_itself_or_tells_nothing_is_open_to_strangers() -> None:
    open_to_all = {path for path, need in NEEDS.items() if need.of_caller is Who.ANYONE}
    assert {path.rpartition("/")[2] for path in open_to_all} == {
        "Join",
        "CheckCertificate",
        "Check",
    }


def test_no_stranger_may_stay() -> None:
    open_to_all = [need for need in NEEDS.values() if need.of_caller is Who.ANYONE]
    assert {need.load for need in open_to_all} == {Load.MOMENT}


@pytest.mark.parametrize("path", [path for path, need in NEEDS.items() if need.subject])
def test_what_is_changed_is_said_by_a_field_that_there_is(path: str) -> None:
    method, subject = METHODS[path], NEEDS[path].subject
    said = Said(GetMessageClass(method.input_type)(), GetMessageClass(method.output_type)())
    assert subject is not None
    attrgetter(subject)(said)
    assert not (subject.startswith("request.") and method.client_streaming)
    assert not {"secret", "token"} & set(subject.split("."))


def test_what_lasts_is_not_counted_among_short_calls() -> None:
    # It is short: a page of the log.
    lasting = {
        path
        for path, method in METHODS.items()
        if (method.client_streaming or method.server_streaming) and "ListAudit" not in path
    }
    assert not [path for path in lasting if NEEDS[path].load is Load.MOMENT]


@pytest.mark.parametrize("scope", Scope)
def test_whoever_may_read_only_changes_nothing(scope: Scope) -> None:
    caller = Caller(caller=CallerKind.TOKEN, caller_name="ci", scopes=(scope,))
    assert caller.has(Scope.READ)
    changing = {need.of_caller for need in NEEDS.values() if need.subject}
    assert Scope.READ not in changing
    assert caller.has(Scope.ADMIN) is (scope is Scope.ADMIN)


def test_whoever_may_operate_adds_no_models_nor_the_other_way_round() -> None:
    operator = Caller(caller=CallerKind.TOKEN, scopes=(Scope.OPERATE,))
    author = Caller(caller=CallerKind.TOKEN, scopes=(Scope.MODELS,))
    assert not operator.has(Scope.MODELS)
    assert not author.has(Scope.OPERATE)
