"""The calls of the Query service on many devices, those of other controllers among them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from controller.api.reporting import Reporting
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.measurements.imports import LARGEST_BYTES, ImportHeader
from controller.domain.rankings.reference import ReferenceQuestion
from controller.fleet.clock import Clock
from controller.fleet.outliving import told_at_its_end
from controller.own.measurements import Importing
from controller.state.database import Database
from protos.codec import from_request, to_message
from protos.v1 import query_pb2, query_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class ReportCalls(query_pb2_grpc.QueryServicer):
    """Translates, and calls; a part of the service."""

    def __init__(self, reporting: Reporting, database: Database, clock: Clock) -> None:
        self._reporting = reporting
        self._imported_into = database
        self._imported_at = clock

    async def Survey(  # noqa: N802 - the contract's name
        self, request: query_pb2.SurveyRequest, context: Context
    ) -> query_pb2.SurveyResponse:
        """A source's tables, and whether its claims hold."""
        async with answered_failures(context):
            found = await self._reporting.survey(tuple(request.devices))
            return await asyncio.to_thread(to_message, found, query_pb2.SurveyResponse)

    async def Reference(  # noqa: N802
        self, request: query_pb2.ReferenceRequest, context: Context
    ) -> query_pb2.ReferenceResponse:
        """What others published, beside what was measured."""
        async with answered_failures(context):
            found = await self._reporting.reference(from_request(request, ReferenceQuestion))
            return await asyncio.to_thread(to_message, found, query_pb2.ReferenceResponse)

    async def ImportMeasurements(  # noqa: N802
        self, request_iterator: AsyncIterator[query_pb2.ImportMeasurementsRequest], context: Context
    ) -> query_pb2.ImportMeasurementsResponse:
        """Takes in what another controller measured, each measurement by itself."""
        async with answered_failures(context):
            importing = await self._begun(request_iterator)
            async for request in request_iterator:
                if request.WhichOneof("part") != "measurement":
                    raise _invalid("after an import's header come measurements, and no more")
                if request.ByteSize() > LARGEST_BYTES:
                    raise _invalid(f"a measurement has at most {LARGEST_BYTES / 1e6:.0f} MB")
                await told_at_its_end(asyncio.to_thread(self._take, importing, request))
        return to_message(importing.done(), query_pb2.ImportMeasurementsResponse)

    async def _begun(
        self, requests: AsyncIterator[query_pb2.ImportMeasurementsRequest]
    ) -> Importing:
        async for request in requests:
            if request.WhichOneof("part") == "header":
                header = from_request(request.header, ImportHeader)
                return Importing(self._imported_into, header, current_caller().person)
            break
        raise _invalid("an import begins with its header")

    def _take(self, importing: Importing, request: query_pb2.ImportMeasurementsRequest) -> None:
        measurement = from_request(request.measurement, Measurement)
        importing.take(measurement, self._imported_at.unix_ms())


def _invalid(problem: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, problem)
