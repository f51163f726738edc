"""What each route needs of who asks: what the call of gRPC needs which answers the same."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from controller.api.limits import Load
from controller.api.rpc.needs import NEEDS, UNLISTED, Need, Who
from controller.domain.access import Scope

PAGES: Final[Mapping[str, str | Need]] = {
    "GET /": "/edgerank.v1.Query/Rank",
    "GET /devices": "/edgerank.v1.Query/ListDevices",
    "POST /devices/add": "/edgerank.v1.Access/CreateJoinToken",
    "GET /devices/{name}": "/edgerank.v1.Query/Rank",
    "POST /devices/{name}/drain": "/edgerank.v1.Query/DrainDevice",
    "POST /devices/{name}/rest": "/edgerank.v1.Query/RestDevice",
    "POST /devices/{name}/wake": "/edgerank.v1.Query/WakeDevice",
    "GET /sweeps": "/edgerank.v1.Query/ListSweeps",
    "POST /sweeps": "/edgerank.v1.Query/StartSweep",
    "GET /sweeps/new": "/edgerank.v1.Query/PlanSweep",
    "GET /sweeps/{wanted}": "/edgerank.v1.Query/ListMeasurements",
    "POST /sweeps/{sweep_id}/pause": "/edgerank.v1.Query/PauseSweep",
    "POST /sweeps/{sweep_id}/resume": "/edgerank.v1.Query/ResumeSweep",
    "POST /sweeps/{sweep_id}/cancel": "/edgerank.v1.Query/CancelSweep",
    "POST /sweeps/{sweep_id}/retry": "/edgerank.v1.Query/RetrySweep",
    "GET /measurements/{measurement_id}": "/edgerank.v1.Query/ListMeasurements",
    "GET /changes": Need(Scope.READ, load=Load.FOLLOWING),
    "GET /fleet": "/edgerank.v1.Query/RankFleet",
    "GET /compare": "/edgerank.v1.Query/Compare",
    # Whoever signs in is a stranger until then, and the files of the pages tell nothing.
    "GET /sign-in": Need(Who.ANYONE),
    "POST /sign-in": Need(Who.ANYONE),
    "POST /sign-out": Need(Who.ANYONE),
    "GET /static/{name}": Need(Who.ANYONE),
}
"""Of the web page."""

ROUTES: Final[Mapping[str, str | Need]] = {
    "GET /api/v1/backbones": "/edgerank.v1.Query/ListOwnModels",
    "GET /api/v1/best": "/edgerank.v1.Query/Rank",
    "GET /api/v1/best/left-out": "/edgerank.v1.Query/PageRanking",
    "GET /api/v1/best/others": "/edgerank.v1.Query/PageRanking",
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
    **PAGES,
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
