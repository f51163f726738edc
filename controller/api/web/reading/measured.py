"""Measurements, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from controller.api.web.answers import Answer, Page, answer
from controller.api.web.paging import cursor_invalid, read_cursor, written_cursor
from controller.api.web.parts import Given
from controller.api.web.reading.asked import AskedMeasurement, AskedMeasurements
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter(tags=["measurements"])


@router.get("/api/v1/measurements", response_model=None)
async def list_measurements(
    parts: Given, asked: Annotated[AskedMeasurements, Query()]
) -> Answer[Page[Measurement]]:
    """Measurements without their samples, in the order of their commits or the reverse."""
    left_out = note_left_out()
    wanted = MeasurementFilter(
        device=asked.device,
        sweep_id=asked.sweep,
        backbone=asked.backbone,
        accuracy_dataset=asked.accuracy_dataset,
        at_minute=asked.at_minute,
    )
    after = None if asked.cursor is None else read_cursor(asked.cursor)
    found = await parts.queries.measurement_page(
        wanted, after, asked.limit, newest_first=asked.newest_first
    )
    if found is None:
        raise cursor_invalid()
    following = None if found.last is None else written_cursor(found.last.measurement_id)
    page = Page(items=tuple(found.measurements), next_cursor=following)
    return await answer(page, left_out)


@router.get("/api/v1/measurements/{measurement_id}", response_model=None)
async def get_measurement(
    parts: Given,
    measurement_id: Annotated[str, Path(max_length=200)],
    asked: Annotated[AskedMeasurement, Query()],
) -> Answer[Measurement]:
    """One measurement, with its raw samples unless told otherwise."""
    left_out = note_left_out()
    wanted = MeasurementFilter(
        accuracy_dataset=asked.accuracy_dataset, with_samples=asked.with_samples
    )
    found = await parts.queries.measurement(measurement_id, wanted)
    if found is None:
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME,
            f"no measurement has the id {measurement_id!a}; /api/v1/measurements lists them",
        )
    return await answer(found, left_out)
