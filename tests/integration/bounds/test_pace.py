"""Who says too much or asks in vain again and again is slowed down, and nobody else is."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import grpc

from controller.domain.catalog import OwnFile, OwnModelHeader
from models.catalog.own import OwnFormat
from protos.codec import to_message
from protos.joining import bearer_letters, parse_access_token
from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc
from tests.integration.bounds.conftest import (
    answer_of,
    limited_controller,
    limited_guarded,
    own_channel,
)
from tests.integration.controller.domain_samples import failed_report, hello

UNKNOWN = grpc.StatusCode.UNAUTHENTICATED


def greets(name: str) -> fleet_pb2.ConnectRequest:
    return fleet_pb2.ConnectRequest(hello=to_message(hello(name), fleet_pb2.Hello))


def test_an_agent_is_heard_no_faster_than_it_may_speak_and_heard_out(tmp_path: Path) -> None:
    reports = 30

    def says() -> Iterator[fleet_pb2.ConnectRequest]:
        yield greets("phone")
        for number in range(reports):
            report = failed_report(f"{number}", "j")
            yield fleet_pb2.ConnectRequest(report=to_message(report, fleet_pb2.Report))

    limits = {"messages_per_s": 10, "saved_messages": 10, "greeting_messages": 10}
    with (
        limited_controller(tmp_path, **limits) as (_controller, address),
        own_channel(address) as channel,
    ):
        begin_s = time.monotonic()
        answers = fleet_pb2_grpc.FleetStub(channel).Connect(says(), timeout=300)
        told = [each.report_committed.attempt_id for each in itertools.islice(answers, 1, None)]
        taken_s = time.monotonic() - begin_s
    assert told == [f"{number}" for number in range(reports)]
    # A busy machine makes it slower, never faster.
    assert taken_s >= reports / 10 - 0.1


def test_a_token_begins_no_more_calls_than_it_may_and_others_do_not_wait(tmp_path: Path) -> None:
    saved = 5
    with (
        limited_guarded(tmp_path, calls_per_s=0.001, saved_calls=saved) as guarded,
        guarded.channel(guarded.authority(guarded.token())) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)

        def asking(name: str) -> Callable[[float], grpc.StatusCode]:
            secret = parse_access_token(guarded.access(name, "--scope", "read")).secret
            metadata = (("authorization", f"Bearer {bearer_letters(secret)}"),)
            ask = partial(stub.ListSweeps, query_pb2.ListSweepsRequest(), metadata=metadata)
            return lambda timeout_s: answer_of(partial(ask, timeout=timeout_s))

        ada, bob = asking("ada"), asking("bob")
        assert [ada(300) for _ in range(saved)] == [grpc.StatusCode.OK] * saved
        assert ada(5) is grpc.StatusCode.DEADLINE_EXCEEDED
        assert bob(300) is grpc.StatusCode.OK


def test_who_is_refused_again_and_again_waits_and_others_do_not(tmp_path: Path) -> None:
    limits = {"free_refusals": 2, "longest_pause_s": 3_600}
    with (
        limited_guarded(tmp_path, **limits) as guarded,
        guarded.channel(guarded.authority(guarded.token())) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)
        ask = partial(stub.ListDevices, query_pb2.ListDevicesRequest())
        assert [answer_of(partial(ask, timeout=300)) for _ in range(2)] == [UNKNOWN] * 2
        # The pause doubles until it is longer than the asker waits.
        while (answer := answer_of(partial(ask, timeout=2))) is UNKNOWN:
            pass
        assert answer is grpc.StatusCode.DEADLINE_EXCEEDED
        # From another address, and with something to show.
        assert guarded.command("devices", "--json")


def test_who_brings_what_is_no_model_again_and_again_waits(tmp_path: Path) -> None:
    file = OwnFile(size_bytes=1, sha256="0" * 64)
    header = OwnModelHeader(name="poison", format=OwnFormat.ONNX, files=(file,))
    limits = {"free_failures": 2, "longest_failure_pause_s": 3_600}
    with (
        limited_guarded(tmp_path, **limits) as guarded,
        guarded.channel(guarded.authority(guarded.token())) as channel,
    ):
        secret = parse_access_token(guarded.access("ada", "--scope", "models")).secret
        metadata = (("authorization", f"Bearer {bearer_letters(secret)}"),)

        def add(timeout_s: float) -> None:
            requests = (
                query_pb2.AddModelRequest(header=to_message(header, query_pb2.OwnModelHeader)),
                query_pb2.AddModelRequest(chunk=b"?"),
            )
            stub = query_pb2_grpc.QueryStub(channel)
            stub.AddModel(iter(requests), timeout=timeout_s, metadata=metadata)

        invalid = grpc.StatusCode.INVALID_ARGUMENT
        assert [answer_of(lambda: add(300)) for _ in range(2)] == [invalid] * 2
        while (answer := answer_of(lambda: add(6))) is invalid:
            pass
        assert answer is grpc.StatusCode.DEADLINE_EXCEEDED
