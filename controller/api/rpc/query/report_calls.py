"""The calls of the Query service on many devices, those of other controllers among them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final

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
# What waits while what came before is written: so many messages, large ones of this part each.
_AT_ONCE: Final = 32
_PART_BYTES: Final = LARGEST_BYTES // _AT_ONCE


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
        """Takes in what another controller measured, as it comes."""
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
        async with aclosing(_gathered(requests)) as groups:
            async for several in groups:
                await told_at_its_end(asyncio.to_thread(self._take, importing, several))

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

    def _take(
        self, importing: Importing, several: Sequence[query_pb2.ImportMeasurementsRequest]
    ) -> None:
        importing.take(map(_measurement, several), self._imported_at.unix_ms())


async def _gathered(
    requests: AsyncIterator[query_pb2.ImportMeasurementsRequest],
) -> AsyncGenerator[list[query_pb2.ImportMeasurementsRequest], None]:
    """Requests as they come, those together that came while the ones before were taken in."""
    came: asyncio.Queue[query_pb2.ImportMeasurementsRequest | None] = asyncio.Queue()
    room = asyncio.Semaphore(_AT_ONCE)

    async def read() -> None:
        try:
            async for request in requests:
                for _ in range(_weight(request)):
                    await room.acquire()
                came.put_nowait(request)
        finally:
            came.put_nowait(None)

    reading = asyncio.create_task(read())
    try:
        is_over = False
        while not is_over:
            several = [await came.get()]
            while not came.empty():
                several.append(came.get_nowait())
            is_over = several[-1] is None
            told = [each for each in several if each is not None]
            if told:
                yield told
            for _ in range(sum(map(_weight, told))):
                room.release()
        await reading
    finally:
        reading.cancel()


def _weight(request: query_pb2.ImportMeasurementsRequest) -> int:
    return min(_AT_ONCE, 1 + request.ByteSize() // _PART_BYTES)


def _measurement(request: query_pb2.ImportMeasurementsRequest) -> Measurement:
    if request.WhichOneof("part") != "measurement":
        raise _invalid("after an import's header come measurements, and no more")
    if request.ByteSize() > LARGEST_BYTES:
        raise _invalid(f"a measurement has at most {LARGEST_BYTES / 1e6:.0f} MB")
    return from_request(request.measurement, Measurement)


def _taken_words(added: int) -> str:
    if not added:
        return ""
    return (
        f"; {counted(added, 'measurement')} before it came in and stay: mend it and import the "
        "file again, what is here is known then"
    )


def _invalid(problem: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, problem)
