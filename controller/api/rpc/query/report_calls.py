"""The calls of the Query service that reports of many devices make."""

from typing import Any

import grpc

from controller.api.reporting import Reporting
from controller.api.rpc.failures import answered_failures
from controller.domain.rankings.reference import ReferenceQuestion
from protos.codec import from_request, to_message
from protos.v1 import query_pb2, query_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class ReportCalls(query_pb2_grpc.QueryServicer):
    """Translates, and calls; a part of the service."""

    def __init__(self, reporting: Reporting) -> None:
        self._reporting = reporting

    async def Survey(  # noqa: N802 - the contract's name
        self, request: query_pb2.SurveyRequest, context: Context
    ) -> query_pb2.SurveyResponse:
        """A source's tables, and whether its claims hold."""
        async with answered_failures(context):
            found = await self._reporting.survey(tuple(request.devices))
        return to_message(found, query_pb2.SurveyResponse)

    async def Reference(  # noqa: N802
        self, request: query_pb2.ReferenceRequest, context: Context
    ) -> query_pb2.ReferenceResponse:
        """What others published, beside what was measured."""
        async with answered_failures(context):
            found = await self._reporting.reference(from_request(request, ReferenceQuestion))
        return to_message(found, query_pb2.ReferenceResponse)
