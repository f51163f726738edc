"""Devices of the fleet, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from controller.api.web.answers import Answer, answer
from controller.api.web.parts import Given
from controller.api.web.reading.asked import AskedDevices, AskedEvents
from controller.domain.devices import Device, DeviceEvent
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter(tags=["devices"])


@router.get("/api/v1/devices", response_model=None)
async def list_devices(
    parts: Given, asked: Annotated[AskedDevices, Query()]
) -> Answer[tuple[Device, ...]]:
    """Every device of the fleet; `with_removed` adds those that left measurements behind."""
    left_out = note_left_out()
    found = await parts.queries.devices(with_removed=asked.with_removed)
    return await answer(found, left_out)


@router.get("/api/v1/devices/{device}/events", response_model=None)
async def list_device_events(
    parts: Given,
    device: Annotated[str, Path(max_length=200)],
    asked: Annotated[AskedEvents, Query()],
) -> Answer[tuple[DeviceEvent, ...]]:
    """What befell a device, the newest first."""
    left_out = note_left_out()
    return await answer(await parts.queries.device_events(device, asked.limit), left_out)
