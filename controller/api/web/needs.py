"""What each route needs of who asks: what the call of gRPC needs which answers the same."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from controller.api.rpc.needs import NEEDS, UNLISTED, Need

ROUTES: Final[Mapping[str, str | Need]] = {
    "GET /api/v1/devices": "/edgerank.v1.Query/ListDevices",
}
"""By method and path of a route, as it was declared: the call, or what is needed without one.

A test holds that every route is here.
"""


class Asked(NamedTuple):
    """What a request asks for.

    Attributes:
        action: the call or the route, as it is counted and written down.
        need: what it needs of who asks.
    """

    action: str
    need: Need


def asked_by(method: str, path: str) -> Asked:
    """What a request of a route asks for; of a route that nobody thought of, the most."""
    route = f"{method} {path}"
    of_route = ROUTES.get(route, UNLISTED)
    if isinstance(of_route, str):
        return Asked(of_route, NEEDS[of_route])
    return Asked(route, of_route)
