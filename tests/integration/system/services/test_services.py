"""Any gRPC client finds the controller's services and can call them."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.system.conftest import System


@pytest.fixture
def channel(system: System) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(system.address) as channel:
        yield channel


@pytest.mark.parametrize("service", ["", "edgerank.v1.Fleet", "edgerank.v1.Query"])
def test_health_says_that_each_service_serves(channel: grpc.Channel, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_client_that_has_only_reflection_lists_and_calls(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert set(database.get_services()) == {
        "edgerank.v1.Access",
        "edgerank.v1.Fleet",
        "edgerank.v1.Joining",
        "edgerank.v1.Query",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    service = DescriptorPool(database).FindServiceByName("edgerank.v1.Query")
    method = service.FindMethodByName("ListDevices")
    call: grpc.UnaryUnaryMultiCallable[Message, Any] = channel.unary_unary(
        "/edgerank.v1.Query/ListDevices",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    answer = call(GetMessageClass(method.input_type)(), timeout=10)
    assert [device.name for device in answer.devices] == ["pc"]


@pytest.mark.parametrize(
    ("sha256", "offset_bytes", "status", "words"),
    [
        ("0" * 64, 0, grpc.StatusCode.NOT_FOUND, "no artifact has the digest"),
        ("../../etc/passwd", 0, grpc.StatusCode.INVALID_ARGUMENT, "is no SHA-256"),
    ],
)
def test_an_artifact_that_is_not_there_is_refused(
    channel: grpc.Channel, sha256: str, offset_bytes: int, status: grpc.StatusCode, words: str
) -> None:
    request = fleet_pb2.FetchArtifactRequest(sha256=sha256, offset_bytes=offset_bytes)
    with pytest.raises(grpc.RpcError) as refused:
        list(fleet_pb2_grpc.FleetStub(channel).FetchArtifact(request, timeout=10))
    assert isinstance(refused.value, grpc.Call)
    assert refused.value.code() is status
    assert words in (refused.value.details() or "")


@pytest.mark.parametrize(
    "first",
    [
        fleet_pb2.ConnectRequest(),
        fleet_pb2.ConnectRequest(ready=fleet_pb2.Ready()),
        fleet_pb2.ConnectRequest(hello=fleet_pb2.Hello(device_id="x")),
    ],
    ids=["empty", "ready", "hello without a profile"],
)
def test_a_stream_that_does_not_start_with_hello_is_refused(
    channel: grpc.Channel, first: fleet_pb2.ConnectRequest
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        list(fleet_pb2_grpc.FleetStub(channel).Connect(iter([first]), timeout=10))
    assert isinstance(refused.value, grpc.Call)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
