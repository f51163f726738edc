"""Devices of the fleet, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from controller.api.web.answers import Answer, answer
from controller.api.web.parts import Given
from controller.domain.devices import Device
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter()


@router.get("/api/v1/devices", response_model=None)
async def list_devices(
    parts: Given, *, with_removed: Annotated[bool, Query()] = False
) -> Answer[tuple[Device, ...]]:
    """Every device of the fleet; `with_removed` adds those that left measurements behind."""
    left_out = note_left_out()
    return await answer(await parts.queries.devices(with_removed=with_removed), left_out)
