"""No message, however shaped, stops the others."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc, types_pb2
from tests.processes import running_controller

UNLIMITED = [("grpc.max_send_message_length", -1)]


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[grpc.Channel]:
    with (
        running_controller(tmp_path / "controller") as (_, address),
        grpc.insecure_channel(address, options=UNLIMITED) as channel,
    ):
        yield channel


def hello(
    profile: types_pb2.DeviceProfile, device_id: str = "a-stranger", name: str = "stranger"
) -> fleet_pb2.ConnectRequest:
    return fleet_pb2.ConnectRequest(
        hello=fleet_pb2.Hello(profile=profile, device_id=device_id, name=name)
    )


def refusal(channel: grpc.Channel, first: fleet_pb2.ConnectRequest) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        list(fleet_pb2_grpc.FleetStub(channel).Connect(iter([first]), timeout=60))
    assert isinstance(refused.value, grpc.Call)
    return refused.value.code()


def device_names(channel: grpc.Channel) -> set[str]:
    answer = query_pb2_grpc.QueryStub(channel).ListDevices(
        query_pb2.ListDevicesRequest(), timeout=60
    )
    return {device.name for device in answer.devices}


def test_a_hello_that_nobody_should_say_is_refused_and_not_kept(channel: grpc.Channel) -> None:
    crowded = types_pb2.DeviceProfile(caches=[types_pb2.CpuCache()] * 1_000_000)
    for first in (
        hello(crowded),
        hello(types_pb2.DeviceProfile(kernel="k" * 60_000)),
        hello(types_pb2.DeviceProfile(), device_id=""),
        hello(types_pb2.DeviceProfile(), device_id="i" * 1_000),
        hello(types_pb2.DeviceProfile(), name="a\x1b[2Jname"),
    ):
        assert refusal(channel, first) is grpc.StatusCode.INVALID_ARGUMENT
    assert device_names(channel) == set()


def test_a_report_that_would_fill_the_memory_is_taken_as_a_failure(channel: grpc.Channel) -> None:
    states = types_pb2.Repetition(during=[types_pb2.DeviceState()] * 3_000_000)
    report = fleet_pb2.Report(attempt_id="a", measured=fleet_pb2.Measured(repetition=states))
    heard = threading.Event()

    def say() -> Iterator[fleet_pb2.ConnectRequest]:
        yield hello(types_pb2.DeviceProfile(architecture="x86_64"))
        yield fleet_pb2.ConnectRequest(report=report)
        heard.wait(60)

    stream = fleet_pb2_grpc.FleetStub(channel).Connect(say(), timeout=60)
    answers = [next(stream).WhichOneof("message") for _ in range(2)]
    heard.set()
    stream.cancel()
    assert answers == ["welcome", "report_committed"]
    assert device_names(channel) == {"stranger"}
