"""The Fleet service: agents' streams and artifact downloads. Translates, and calls the fleet."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message
from obstore.store import LocalStore

from controller.api.rpc.failures import answered_failures
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import AgentSession, Fleet
from controller.state.blobs import read_blob
from protos import fleet as conversation
from protos.codec import MessageInvalid, from_message, to_message
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2, fleet_pb2_grpc

_FROM_AGENT: Mapping[str, type[conversation.FromAgent]] = {
    "hello": conversation.Hello,
    "heartbeat": conversation.Heartbeat,
    "ready": conversation.Ready,
    "progress": conversation.Progress,
    "report": conversation.Report,
}
_TO_AGENT: Mapping[type[conversation.ToAgent], tuple[str, type[Message]]] = {
    conversation.Welcome: ("welcome", fleet_pb2.Welcome),
    conversation.Lease: ("lease", fleet_pb2.Lease),
    conversation.ReportCommitted: ("report_committed", fleet_pb2.ReportCommitted),
    conversation.Cancel: ("cancel", fleet_pb2.Cancel),
}

Requests = AsyncIterator[fleet_pb2.ConnectRequest]


class FleetService(fleet_pb2_grpc.FleetServicer):
    """What agents call."""

    def __init__(self, fleet: Fleet, blobs: LocalStore) -> None:
        self._fleet = fleet
        self._blobs = blobs

    async def Connect(  # noqa: N802 - the contract's name
        self, request_iterator: Requests, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[fleet_pb2.ConnectResponse]:
        """Holds one agent's stream for as long as both live."""
        async with answered_failures(context):
            session = await self._fleet.connect(await _first_hello(request_iterator))
            hearing = asyncio.create_task(self._hear(session, request_iterator))
            try:
                while (said := await session.outbox.get()) is not None:
                    yield _to_agent(said)
                if hearing.done():
                    await hearing
            finally:
                hearing.cancel()
                await self._fleet.disconnect(session)

    async def FetchArtifact(  # noqa: N802 - the contract's name
        self,
        request: fleet_pb2.FetchArtifactRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[fleet_pb2.FetchArtifactResponse]:
        """Streams an artifact from an offset on."""
        async with answered_failures(context):
            async for chunk in read_blob(self._blobs, request.sha256, request.offset_bytes):
                yield fleet_pb2.FetchArtifactResponse(chunk=bytes(chunk))

    async def _hear(self, session: AgentSession, requests: Requests) -> None:
        try:
            async for request in requests:
                # A report holds every raw sample: too much for the loop that all share.
                said = await asyncio.to_thread(_from_agent, request)
                await self._handle(session, said)
        finally:
            session.outbox.put_nowait(None)

    async def _handle(self, session: AgentSession, said: conversation.FromAgent) -> None:
        match said:
            case conversation.Heartbeat():
                await self._fleet.heartbeat(session, said)
            case conversation.Ready():
                await self._fleet.ready(session)
            case conversation.Progress():
                self._fleet.progress(session, said)
            case conversation.Report():
                await self._fleet.report(session, said)
            case conversation.Hello():
                raise EdgerankError(ErrorCode.INVALID_INPUT, "an agent says Hello only once")


async def _first_hello(requests: Requests) -> conversation.Hello:
    async for request in requests:
        said = _from_agent(request)
        if isinstance(said, conversation.Hello):
            return said
        break
    raise EdgerankError(ErrorCode.INVALID_INPUT, "an agent's first message must be Hello")


def _from_agent(request: fleet_pb2.ConnectRequest) -> conversation.FromAgent:
    kind = request.WhichOneof("message")
    if kind is None:
        raise MessageInvalid("an agent sent an empty message; use the same edgerank version there")
    try:
        return from_message(getattr(request, kind), _FROM_AGENT[kind])
    except MessageInvalid as error:
        if kind != "report":
            raise
        return _rubbish(request.report, error)


def _rubbish(report: fleet_pb2.Report, error: MessageInvalid) -> conversation.Report:
    """A failure in place of a report that makes no sense, which would be sent again forever."""
    return conversation.Report(
        attempt_id=report.attempt_id,
        job_id=report.job_id,
        started_at_unix_ms=report.started_at_unix_ms,
        ended_at_unix_ms=report.ended_at_unix_ms,
        failure=conversation.failed(ReasonCode.RUBBISH, f"the agent's report: {error}"),
    )


def _to_agent(said: conversation.ToAgent) -> fleet_pb2.ConnectResponse:
    field, message_type = _TO_AGENT[type(said)]
    response = fleet_pb2.ConnectResponse()
    getattr(response, field).CopyFrom(to_message(said, message_type))
    return response
