"""Asks a controller for a schedule's sweep, as a person does."""

import asyncio
from typing import NamedTuple

from agent.link.channels import plain_channel, secure_channel
from controller.domain.sweeps import SweepSpec
from models.catalog.variants import WeightsKind
from protos.codec import to_message
from protos.joining import bearer_letters
from protos.joining.presented import presented_authority
from protos.runtimes import Runtime
from protos.v1 import query_pb2, query_pb2_grpc
from tests.faults.schedules import Schedule
from tests.faults.template import ACCESS_SECRET, Template

_ANSWER_S = 60.0


class Place(NamedTuple):
    """Where a controller listens; without TLS members have no port of their own."""

    host: str
    port: int
    fleet_port: int | None


async def start_sweep(
    schedule: Schedule, devices: tuple[str, ...], place: Place, template: Template
) -> None:
    """Start it on the devices."""
    fewest, most = schedule.repetitions
    spec = SweepSpec(
        backbones=schedule.backbones,
        devices=devices,
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=(1,),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=fewest,
        most_repetitions=most,
        relative_half_width=0.02,
        time_budget_ms=1_000,
        sentinel=schedule.sentinel,
    )
    request = query_pb2.StartSweepRequest(spec=to_message(spec, query_pb2.SweepSpec))
    address = f"{place.host}:{place.port}"
    metadata: tuple[tuple[str, str], ...] = ()
    channel = plain_channel(address)
    if schedule.is_secured:
        authority = await asyncio.to_thread(
            presented_authority, address, template.authority_sha256, _ANSWER_S
        )
        metadata = (("authorization", f"Bearer {bearer_letters(ACCESS_SECRET)}"),)
        channel = secure_channel(address, authority.decode("ascii"), None)
    async with channel:
        stub = query_pb2_grpc.QueryStub(channel)
        await stub.StartSweep(request, timeout=_ANSWER_S, metadata=metadata)
