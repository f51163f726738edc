"""The calls of the Query service that change what becomes of a sweep."""

from dataclasses import replace
from typing import Any

import grpc

from controller.api.queries import Queries
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller
from controller.domain.sweeps.editing import SweepEdit
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from protos.codec import from_request, to_message
from protos.v1 import query_pb2, query_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class SteeringCalls(query_pb2_grpc.QueryServicer):
    """Translates, and calls; a part of the service."""

    def __init__(self, queries: Queries, steering: Steering, retrying: Retrying) -> None:
        self._queries = queries
        self._steering = steering
        self._retrying = retrying

    async def PauseSweep(  # noqa: N802 - the contract's name
        self, request: query_pb2.PauseSweepRequest, context: Context
    ) -> query_pb2.PauseSweepResponse:
        """Lets a sweep give out no turns."""
        async with answered_failures(context):
            sweep_id = await self._queries.sweep_id(request.sweep_id)
            paused = await self._steering.pause(sweep_id, current_caller().person)
        return query_pb2.PauseSweepResponse(
            sweep_id=sweep_id, paused=to_message(paused, query_pb2.Pause)
        )

    async def ResumeSweep(  # noqa: N802
        self, request: query_pb2.ResumeSweepRequest, context: Context
    ) -> query_pb2.ResumeSweepResponse:
        """Lets a sweep give out turns again."""
        async with answered_failures(context):
            sweep_id = await self._queries.sweep_id(request.sweep_id)
            await self._steering.resume(sweep_id)
        return query_pb2.ResumeSweepResponse(sweep_id=sweep_id)

    async def EditSweep(  # noqa: N802
        self, request: query_pb2.EditSweepRequest, context: Context
    ) -> query_pb2.EditSweepResponse:
        """Makes a sweep more or less urgent."""
        async with answered_failures(context):
            wanted = from_request(request, SweepEdit)
            sweep_id = await self._queries.sweep_id(wanted.sweep_id)
            spec = await self._steering.edit(replace(wanted, sweep_id=sweep_id))
        return query_pb2.EditSweepResponse(
            sweep_id=sweep_id, priority=spec.priority, deadline_unix_ms=spec.deadline_unix_ms
        )

    async def RetrySweep(  # noqa: N802
        self, request: query_pb2.RetrySweepRequest, context: Context
    ) -> query_pb2.RetrySweepResponse:
        """Starts a sweep of what another one left undone."""
        async with answered_failures(context):
            sweep_id = await self._queries.sweep_id(request.sweep_id)
            started, is_new = await self._retrying.retry(
                sweep_id, current_caller().person, only_failed=request.only_failed
            )
        return query_pb2.RetrySweepResponse(
            sweep_id=started.sweep_id,
            job_count=started.job_count,
            measured_before=started.measured_before,
            is_new=is_new,
        )
