"""Who shows nothing gets nothing, wherever they come from."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc, types_pb2
from tests.integration.access.conftest import Guarded, guarded_controller, status_of
from tests.processes import edgerank, own_address, running, running_controller

MESSAGE_BYTES, MESSAGES = 16_000_000, 8


@pytest.fixture(scope="module")
def authority(guarded: Guarded) -> bytes:
    return guarded.authority(guarded.token())


CLOSED = {
    f"/{service.full_name}/{method.name}": method
    for file in (fleet_pb2.DESCRIPTOR, query_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
    if method.name not in {"Join", "CheckCertificate"}
}


@pytest.mark.parametrize("path", CLOSED)
def test_every_call_of_a_stranger_is_refused(guarded: Guarded, authority: bytes, path: str) -> None:
    method = CLOSED[path]
    with guarded.channel(authority) as channel:
        call: grpc.StreamStreamMultiCallable[Message, Message] = channel.stream_stream(
            path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        with pytest.raises(grpc.RpcError) as refused:
            list(call(iter([GetMessageClass(method.input_type)()]), timeout=10))
    assert status_of(refused.value) is grpc.StatusCode.UNAUTHENTICATED


def test_what_a_stranger_says_is_not_kept_until_it_is_refused(
    guarded: Guarded, authority: bytes
) -> None:
    """Longer than anybody may say there: gRPC keeps a message until it is whole."""
    controller = psutil.Process(guarded.running.process.pid)

    def join(_: int) -> grpc.StatusCode:
        with guarded.channel(authority) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/edgerank.v1.Joining/Join"
            )
            with pytest.raises(grpc.RpcError) as refused:
                call(bytes(MESSAGE_BYTES), timeout=60)
            return status_of(refused.value)

    before_bytes = controller.memory_info().rss
    with ThreadPoolExecutor(MESSAGES) as pool:
        statuses = set(pool.map(join, range(MESSAGES)))
    assert statuses == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert controller.memory_info().rss - before_bytes < MESSAGES * MESSAGE_BYTES / 2


def test_members_come_with_a_certificate_of_this_controller_only(
    guarded: Guarded, tmp_path: Path
) -> None:
    member = guarded.join(guarded.token())
    with guarded_controller(tmp_path) as other:
        foreign = other.join(other.token())
    without = grpc.ssl_channel_credentials(member.authority_pem.encode())
    foreign = replace(foreign, authority_pem=member.authority_pem)
    request = fleet_pb2.FetchArtifactRequest(sha256="0" * 64)
    with grpc.secure_channel(
        guarded.fleet_address, without, (("grpc.ssl_target_name_override", "edgerank-controller"),)
    ) as channel:
        assert _refusal(channel, request) is grpc.StatusCode.UNAVAILABLE
    with guarded.member_channel(foreign) as channel:
        assert _refusal(channel, request) is grpc.StatusCode.UNAVAILABLE
    with guarded.member_channel(member) as channel:
        # It may come, and nothing of these bytes was leased to it.
        assert _refusal(channel, request) is grpc.StatusCode.NOT_FOUND


def test_a_member_may_not_ask_as_people_do(guarded: Guarded) -> None:
    with guarded.member_channel(guarded.join(guarded.token())) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            query_pb2_grpc.QueryStub(channel).ListDevices(
                query_pb2.ListDevicesRequest(), timeout=10
            )
        assert status_of(refused.value) is grpc.StatusCode.PERMISSION_DENIED


def test_the_owner_asks_from_this_machine_without_a_token(guarded: Guarded) -> None:
    assert guarded.command("devices", "--json").strip() == "[]"
    assert edgerank("devices", address=guarded.address).returncode == 4


def test_on_a_loopback_address_there_is_no_ceremony_and_there_are_no_tokens(tmp_path: Path) -> None:
    with running_controller(tmp_path) as (_controller, address):
        assert edgerank("devices", "--json", address=address).returncode == 0
        made = edgerank("token", "create", address=address)
    assert made.returncode == 4
    assert "TLS" in made.stderr


@pytest.fixture
def open_address(tmp_path: Path) -> Iterator[str]:
    host = own_address()
    place = ("--host", host, "--port", "0", "--state", str(tmp_path))
    with running("controller", *place, "--insecure") as controller:
        controller.output.wait_for("warning: .*--insecure")
        yield controller.output.wait_for(rf"listening on ({host}:\d+)")[1]


def test_without_tls_a_controller_says_that_it_is_open_and_so_does_the_list_of_devices(
    open_address: str,
) -> None:
    listed = edgerank("devices", "--json", address=open_address)
    assert listed.returncode == 0
    assert listed.stdout.strip() == "[]"
    assert "--insecure" in listed.stderr


def _refusal(channel: grpc.Channel, request: fleet_pb2.FetchArtifactRequest) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        list(fleet_pb2_grpc.FleetStub(channel).FetchArtifact(request, timeout=10))
    return status_of(refused.value)


def test_what_a_stranger_says_in_a_handshake_is_in_no_log(guarded: Guarded) -> None:
    host, _, port = guarded.address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    for _ in range(20):
        with (
            socket.create_connection((host, int(port)), 60) as plain,
            context.wrap_socket(plain, server_hostname="said-by-a-stranger") as secured,
        ):
            assert secured.selected_alpn_protocol() == "h2"
    assert guarded.command("devices", "--json")
    assert not [line for line in guarded.running.output.lines if "said-by-a-stranger" in line]


def test_what_an_agent_says_may_be_longer(guarded: Guarded) -> None:
    member = guarded.join(guarded.token())
    samples = types_pb2.Repetition(latency_ns=[5_000_000] * 700_000)
    report = fleet_pb2.Report(attempt_id="attempt", measured=fleet_pb2.Measured(repetition=samples))
    profile = types_pb2.DeviceProfile(architecture="x86_64")
    hello = fleet_pb2.Hello(device_id=member.device_id, name="long", profile=profile)
    said = [fleet_pb2.ConnectRequest(hello=hello), fleet_pb2.ConnectRequest(report=report)]
    assert said[1].ByteSize() > 2 * 1024**2
    with guarded.member_channel(member) as channel:
        answers = fleet_pb2_grpc.FleetStub(channel).Connect(iter(said), timeout=60)
        heard = [answer.WhichOneof("message") for answer in answers]
    assert heard == ["welcome", "report_committed"]
