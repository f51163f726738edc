"""A page of measurements: one message of as many as a list shows."""

from typing import Final

from controller.api.queries import Queries
from controller.api.rpc.query.device_calls import messages_of
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import MeasurementFilter
from protos.v1 import query_pb2

# About 1 KB each, so that a message is far below the 4 MB that gRPC takes.
_MOST: Final = 1_000


async def page_of(
    queries: Queries, request: query_pb2.PageMeasurementsRequest, wanted: MeasurementFilter
) -> query_pb2.PageMeasurementsResponse:
    """The page that was asked for.

    Raises:
        EdgerankError: INVALID_INPUT for a page that there cannot be; UNKNOWN_NAME for a measurement
            that it is to be behind; else as `Queries.measurements`.
    """
    if not 1 <= request.most <= _MOST:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"a page has 1 to {_MOST:,} measurements, not {request.most:,}"
        )
    if wanted.with_samples:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "a page has no samples; ask for all measurements instead"
        )
    if wanted.with_underway and (request.HasField("after") or not request.newest_first):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "what is underway is of the first page of the newest; leave `after` out and ask for "
            "newest_first, or leave with_underway out",
        )
    after = request.after if request.HasField("after") else None
    page = await queries.measurement_page(
        wanted, after, request.most, newest_first=request.newest_first
    )
    if page is None:
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME,
            f"no measurement has the id {after!a}; ask for the first page again",
        )
    told = await queries.listed(messages_of, page.measurements, query_pb2.Measurement)
    last = None if page.last is None else page.last.measurement_id
    return query_pb2.PageMeasurementsResponse(measurements=told, last=last)
