"""The page of one measurement: every sample of it, what it was made of, and its verdict."""

import asyncio

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.charts.as_tables import distribution_rows, process_rows
from controller.api.web.pages.charts.samples import distribution_chart, samples_charts
from controller.api.web.pages.ground.site import page
from controller.api.web.parts import parts_of
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter


def add_measurements(router: APIRouter) -> None:
    """Add the page of a measurement to the router."""

    @router.get("/measurements/{measurement_id}")
    async def measurement(request: Request, measurement_id: str) -> Response:
        found = await _found(request, measurement_id)
        return await page(
            request,
            "measurements/one.html",
            m=found,
            charts=await asyncio.to_thread(samples_charts, found),
            distribution=await asyncio.to_thread(distribution_chart, found),
            processes=list(process_rows(found)),
            shares=await asyncio.to_thread(distribution_rows, found),
        )


async def _found(request: Request, measurement_id: str) -> Measurement:
    asked = request.query_params
    wanted = MeasurementFilter(
        device=asked.get("device") or None,
        backbone=asked.get("backbone") or None,
        sweep_id=asked.get("sweep") or None,
        with_samples=True,
        with_underway=True,
    )
    queries = parts_of(request).queries
    ended = await queries.measurement(measurement_id, MeasurementFilter(with_samples=True))
    if ended is not None:
        return ended
    # Of a job underway: it is among few, if it is told what it is of.
    if None not in (wanted.device, wanted.sweep_id, wanted.backbone):
        for each in await queries.measurements(wanted):
            if each.measurement_id == measurement_id:
                return each
    raise EdgerankError(
        ErrorCode.UNKNOWN_NAME,
        "there is no such measurement, or it is still being taken; look for it on its sweep's page",
    )
