"""Who says much and reads nothing is not heard any more, and holds nobody else up."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc

from protos.codec import to_message
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.bounds.conftest import (
    limited_controller,
    own_channel,
    prepare_sweep,
    process_of,
)
from tests.integration.controller.domain_samples import failed_report, hello

REPORTS = 200_000
# All of their answers would be 200 MB, and each takes some kilobytes where it waits.
MOST_GROWTH_BYTES = 100_000_000


def says_hello(name: str) -> fleet_pb2.ConnectRequest:
    return fleet_pb2.ConnectRequest(hello=to_message(hello(name), fleet_pb2.Hello))


def leased(channel: grpc.Channel, name: str) -> fleet_pb2.Lease:
    """The lease that a device's agent gets."""
    has_lease = threading.Event()

    def says() -> Iterator[fleet_pb2.ConnectRequest]:
        yield says_hello(name)
        yield fleet_pb2.ConnectRequest(ready=fleet_pb2.Ready())
        has_lease.wait(60)

    answers = fleet_pb2_grpc.FleetStub(channel).Connect(says(), timeout=60)
    try:
        return next(each.lease for each in answers if each.WhichOneof("message") == "lease")
    finally:
        has_lease.set()
        answers.cancel()


def test_an_agent_that_reports_and_never_reads_costs_little_and_is_ended(tmp_path: Path) -> None:
    prepare_sweep(tmp_path)
    sent = itertools.count()

    def floods() -> Iterator[fleet_pb2.ConnectRequest]:
        yield says_hello("flood")
        for _ in range(REPORTS):
            # Of no attempt that there is; the answer names it.
            report = failed_report(f"{next(sent):01000}", "j")
            yield fleet_pb2.ConnectRequest(report=to_message(report, fleet_pb2.Report))

    with (
        # Heard as fast as it speaks, so that its answers pile up soon.
        limited_controller(tmp_path, unread_s=3, look_s=0.5, messages_per_s=1_000_000) as (
            controller,
            address,
        ),
        own_channel(address) as flooding,
        own_channel(address) as honest,
    ):
        before_bytes = process_of(controller).memory_info().rss
        flood = fleet_pb2_grpc.FleetStub(flooding).Connect(floods(), timeout=600)
        lease = leased(honest, "phone")
        controller.output.wait_for(r"a peer did not read .* peer=127\.0\.0\.1 unread_s=3", 600)
        grown_bytes = process_of(controller).memory_info().rss - before_bytes
        flood.cancel()
        # The attacker has lost its connection, and nobody else has.
        assert leased(honest, "phone") != lease
    assert next(sent) < REPORTS
    assert grown_bytes < MOST_GROWTH_BYTES
