"""What programs read under /api/v1."""

from typing import Final

from controller.api.web.reading import devices

ROUTERS: Final = (devices.router,)
