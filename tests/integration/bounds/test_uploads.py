"""Uploads that are on their way have room, and who announces more than is left is told so."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from protos.v1 import query_pb2, query_pb2_grpc, types_pb2
from tests.integration.access.conftest import status_of
from tests.integration.bounds.conftest import (
    answer_of,
    limited_controller,
    own_channel,
    retried_until,
)


def announces(name: str, size_bytes: int) -> query_pb2.AddModelRequest:
    file = query_pb2.OwnFile(size_bytes=size_bytes, sha256="0" * 64)
    header = query_pb2.OwnModelHeader(
        name=name, format=query_pb2.OwnFormat.OWN_FORMAT_ONNX, files=[file]
    )
    return query_pb2.AddModelRequest(header=header)


def test_an_import_of_accuracy_ends_where_it_is_too_large(tmp_path: Path) -> None:
    figure = query_pb2.AccuracyFigure(
        row=1,
        backbone="MobileNetV1",
        dataset="d" * 20_000,
        metric=query_pb2.ACCURACY_METRIC_TOP1,
        value_percent=70,
        precision=types_pb2.PRECISION_FP32,
        source="s" * 20_000,
    )
    part = query_pb2.ImportAccuracyRequest(figures=[figure] * 40)
    sent = 0

    def parts() -> Iterator[query_pb2.ImportAccuracyRequest]:
        nonlocal sent
        while sent < 1_000:
            sent += 1
            yield part

    with limited_controller(tmp_path) as (_, address), own_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            query_pb2_grpc.QueryStub(channel).ImportAccuracy(parts(), timeout=120)
        assert status_of(refused.value) is grpc.StatusCode.INVALID_ARGUMENT
        assert "at most 64 MB" in str(refused.value.details())
    assert sent < 1_000


def test_what_is_announced_is_kept_for_it_until_it_has_come_or_ended(tmp_path: Path) -> None:
    going_on = threading.Event()

    def says_no_more() -> Iterator[query_pb2.AddModelRequest]:
        yield announces("First", 600_000)
        going_on.wait(60)

    with (
        limited_controller(tmp_path, upload_bytes=1_000_000) as (controller, address),
        own_channel(address) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)

        def second() -> None:
            stub.AddModel(iter([announces("Second", 600_000)]), timeout=60)

        # Its bytes do not come: that is found out only where there is room for them.
        assert answer_of(second) is grpc.StatusCode.INVALID_ARGUMENT
        first = stub.AddModel.future(says_no_more(), timeout=60)
        uploads = tmp_path / "controller" / "uploads"
        while not any(uploads.iterdir()):
            assert not first.done()
        assert answer_of(second) is grpc.StatusCode.RESOURCE_EXHAUSTED
        first.cancel()
        retried_until(grpc.StatusCode.INVALID_ARGUMENT, second, controller)
        going_on.set()
