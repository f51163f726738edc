"""What programs read under /api/v1."""

from typing import Final

from controller.api.web.reading import catalog, description, devices, measured, rankings, sweeps

ROUTERS: Final = (
    catalog.router,
    devices.router,
    sweeps.router,
    measured.router,
    rankings.router,
    description.router,
)
