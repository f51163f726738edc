"""The calls of the Query service on many devices, those of other controllers among them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from controller.api.reporting import Reporting
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller
from controller.domain.access import AuditEntry
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.measurements.imports import LARGEST_BYTES, ImportHeader
from controller.domain.rankings.reference import ReferenceQuestion
from controller.fleet.clock import Clock
from controller.fleet.outliving import told_at_its_end
from controller.own.measurements import Importing
from controller.state.access.audit import record_change
from controller.state.database import Database
from controller.views.counting import counted
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
            try:
                await self._take_each(importing, request_iterator)
            except EdgerankError as error:
                added = await self._cut_off(importing)
                raise EdgerankError(error.code, f"{error}{_taken_words(added)}") from error
            except asyncio.CancelledError:
                await self._cut_off(importing)
                raise
        return to_message(importing.done(), query_pb2.ImportMeasurementsResponse)

    async def _take_each(
        self,
        importing: Importing,
        requests: AsyncIterator[query_pb2.ImportMeasurementsRequest],
    ) -> None:
        async for request in requests:
            if request.WhichOneof("part") != "measurement":
                raise _invalid("after an import's header come measurements, and no more")
            if request.ByteSize() > LARGEST_BYTES:
                raise _invalid(f"a measurement has at most {LARGEST_BYTES / 1e6:.0f} MB")
            await told_at_its_end(asyncio.to_thread(self._take, importing, request))

    async def _cut_off(self, importing: Importing) -> int:
        """Writes down what an import took in that does not come to its end; gives how many."""
        done = importing.done()
        if done.added_count:
            caller = current_caller()
            entry = AuditEntry(
                at_unix_ms=self._imported_at.unix_ms(),
                caller=caller.caller,
                caller_name=caller.caller_name,
                action="ImportMeasurements",
                subject=f"{done.import_id}, cut off after {done.added_count}",
            )
            written = asyncio.to_thread(record_change, self._imported_into, entry)
            await told_at_its_end(written)
        return done.added_count

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


def _taken_words(added: int) -> str:
    if not added:
        return ""
    return (
        f"; {counted(added, 'measurement')} before it came in and stay: mend it and import the "
        "file again, what is here is known then"
    )


def _invalid(problem: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, problem)
