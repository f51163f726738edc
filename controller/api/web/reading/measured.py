"""Measurements, over HTTP."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from controller.api.web.answers import Answer, Page, answer
from controller.api.web.paging import page_of
from controller.api.web.parts import Given, Parts
from controller.api.web.reading.asked import AskedMeasurement, AskedMeasurements
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter(tags=["measurements"])


@router.get("/api/v1/measurements", response_model=None)
async def list_measurements(
    parts: Given, asked: Annotated[AskedMeasurements, Query()]
) -> Answer[Page[Measurement]]:
    """Measurements without their samples, in the order of their commits."""
    left_out = note_left_out()
    wanted = MeasurementFilter(
        device=asked.device,
        sweep_id=asked.sweep,
        backbone=asked.backbone,
        accuracy_dataset=asked.accuracy_dataset,
        at_minute=asked.at_minute,
    )
    found = await parts.queries.measurements(wanted)
    page = page_of(found, lambda each: each.measurement_id, asked.cursor, asked.limit)
    return await answer(page, left_out)


@router.get("/api/v1/measurements/{measurement_id}", response_model=None)
async def get_measurement(
    parts: Given,
    measurement_id: Annotated[str, Path(max_length=200)],
    asked: Annotated[AskedMeasurement, Query()],
) -> Answer[Measurement]:
    """One measurement, with its raw samples unless told otherwise."""
    left_out = note_left_out()
    wanted = MeasurementFilter(accuracy_dataset=asked.accuracy_dataset)
    found = await _one(parts, measurement_id, wanted)
    if asked.with_samples:
        near = replace(
            wanted,
            device=found.device,
            sweep_id=found.sweep_id,
            backbone=found.backbone,
            with_samples=True,
        )
        found = await _one(parts, measurement_id, near)
    return await answer(found, left_out)


async def _one(parts: Parts, measurement_id: str, wanted: MeasurementFilter) -> Measurement:
    for each in await parts.queries.measurements(wanted):
        if each.measurement_id == measurement_id:
            return each
    raise EdgerankError(
        ErrorCode.UNKNOWN_NAME,
        f"no measurement has the id {measurement_id!a}; /api/v1/measurements lists them",
    )
