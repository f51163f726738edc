"""What each route needs of who asks: what the call of gRPC needs which answers the same."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from controller.api.rpc.needs import NEEDS, UNLISTED, Need, Who

ROUTES: Final[Mapping[str, str | Need]] = {
    "GET /api/v1/backbones": "/edgerank.v1.Query/ListOwnModels",
    "GET /api/v1/best": "/edgerank.v1.Query/Rank",
    "GET /api/v1/best-for-fleet": "/edgerank.v1.Query/RankFleet",
    "GET /api/v1/compare": "/edgerank.v1.Query/Compare",
    "GET /api/v1/datasets": "/edgerank.v1.Query/ListDatasets",
    "GET /api/v1/devices": "/edgerank.v1.Query/ListDevices",
    "GET /api/v1/devices/{device}/events": "/edgerank.v1.Query/ListDeviceEvents",
    "GET /api/v1/measurements": "/edgerank.v1.Query/ListMeasurements",
    "GET /api/v1/measurements/{measurement_id}": "/edgerank.v1.Query/ListMeasurements",
    "GET /api/v1/openapi.json": Need(Who.ANYONE),
    "GET /api/v1/pareto": "/edgerank.v1.Query/Rank",
    "GET /api/v1/sweeps": "/edgerank.v1.Query/ListSweeps",
    "GET /api/v1/sweeps/{sweep}": "/edgerank.v1.Query/WatchSweep",
    "GET /api/v1/sweeps/{sweep}/watch": "/edgerank.v1.Query/WatchSweep",
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
