"""What a newer client asks for besides is refused by name, whichever call it makes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from protos.v1 import query_pb2
from tests.contract.growing import say_more
from tests.contract.versions import future
from tests.integration.access.conftest import status_of
from tests.processes import running_controller

ASKED = {
    f"/{service.full_name}/{method.name}": method
    for service in query_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    folder: Path = tmp_path_factory.mktemp("newer")
    with running_controller(folder) as (_, address), grpc.insecure_channel(address) as opened:
        yield opened


@pytest.mark.parametrize("path", ASKED)
def test_nothing_that_is_asked_is_passed_over(channel: grpc.Channel, path: str) -> None:
    method: MethodDescriptor = ASKED[path]
    newer: Any = getattr(future(), method.input_type.name)()
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    with pytest.raises(grpc.RpcError) as refused:
        list(call(iter([say_more(newer).SerializeToString()]), timeout=30))
    assert status_of(refused.value) is grpc.StatusCode.INVALID_ARGUMENT
    if not method.client_streaming:
        assert f"field 1001 of a {method.input_type.name}" in str(refused.value.details())
