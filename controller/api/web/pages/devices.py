"""The pages of devices: all of them, each by itself, and how one is added."""

import asyncio
import io
import secrets
from collections.abc import Sequence
from typing import Final

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from controller.api.web.pages.charts.pareto import pareto_chart
from controller.api.web.pages.charts.states import states_chart
from controller.api.web.pages.links import device_link
from controller.api.web.pages.site import Site
from controller.domain.access import JoinTokenSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.domain.rankings import Constraints, Ranking
from controller.domain.sweeps import Activity
from controller.views.wording import candidates
from models.catalog.catalog import IMAGENET
from protos.joining import SECRET_BYTES

_EVENTS: Final = 30
_RANKED: Final = 10
_LATEST: Final = 12
_JOIN_WITHIN_MS: Final = 3_600_000


def add_devices(router: APIRouter, site: Site) -> None:
    """Add the pages of devices to the router."""
    _add_list(router, site)
    _add_joining(router, site)
    _add_one(router, site)
    _add_changes(router, site)


def _add_list(router: APIRouter, site: Site) -> None:
    @router.get("/devices")
    async def devices(request: Request) -> Response:
        await site.admitted(request, "/edgerank.v1.Query/ListDevices")
        found = await site.behind.queries.devices()
        return await site.page(
            request, "devices/list.html", devices=found, doing=_doing(site.behind.fleet.activities())
        )


def _add_joining(router: APIRouter, site: Site) -> None:
    @router.post("/devices/add")
    async def add(request: Request) -> Response:
        await site.changing(request, "/edgerank.v1.Access/CreateJoinToken")
        spec = JoinTokenSpec(lifetime_ms=_JOIN_WITHIN_MS, uses=1, labels={})
        secret = secrets.token_bytes(SECRET_BYTES)
        token, token_id = await asyncio.to_thread(
            site.behind.administration.new_join_token, spec, secret, None
        )
        site.changed(request, "CreateJoinToken", token_id)
        command = f"edgerank agent --join {token}"
        return await site.page(request, "devices/join.html", command=command, code=_code(command))


def _add_one(router: APIRouter, site: Site) -> None:
    @router.get("/devices/{name}")
    async def device(request: Request, name: str) -> Response:
        await site.admitted(request, "/edgerank.v1.Query/Rank")
        queries = site.behind.queries
        found = find_device(await queries.devices(with_removed=True), name)
        events = await queries.device_events(name, _EVENTS)
        ranking = await queries.rank(name, Constraints(), IMAGENET)
        latest = await _latest(site, ranking)
        return await site.page(
            request,
            "devices/one.html",
            device=found,
            doing=_doing(site.behind.fleet.activities()).get(found.name, ()),
            events=events,
            ranking=ranking,
            ranked=sorted(candidates(ranking), key=lambda each: each != ranking.winner)[:_RANKED],
            chart=pareto_chart(ranking),
            states=states_chart(latest),
        )


def _add_changes(router: APIRouter, site: Site) -> None:
    @router.post("/devices/{name}/{change}")
    async def change(request: Request, name: str, change: str) -> Response:
        calls = {"drain": "DrainDevice", "rest": "RestDevice", "wake": "WakeDevice"}
        if change not in calls:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, "a device is drained, rested or woken")
        caller, _ = await site.changing(request, f"/edgerank.v1.Query/{calls[change]}")
        found = find_device(await site.behind.queries.devices(), name)
        tending = site.behind.fleet.tending
        act = {"drain": tending.drain, "rest": tending.rest, "wake": tending.wake}[change]
        await act(found, caller)
        site.changed(request, calls[change], found.name)
        return RedirectResponse(device_link(found.name), 303)


async def _latest(site: Site, ranking: Ranking) -> Sequence[Measurement]:
    """The newest measurements that a ranking has, with samples."""
    measured = [each.measurement for each in candidates(ranking)]
    newest = sorted(measured, key=lambda each: each.measured_at_unix_ms)[-_LATEST:]
    found: list[Measurement] = []
    for each in newest:
        wanted = MeasurementFilter(
            device=each.device, sweep_id=each.sweep_id, backbone=each.backbone, with_samples=True
        )
        several = await site.behind.queries.measurements(wanted)
        found += [one for one in several if one.measurement_id == each.measurement_id]
    return found


def _doing(activities: Sequence[Activity]) -> dict[str, tuple[Activity, ...]]:
    found: dict[str, tuple[Activity, ...]] = {}
    for each in activities:
        found[each.device] = (*found.get(each.device, ()), each)
    return found


def _code(command: str) -> Markup:
    """A QR code of a command, as SVG without a style of its own."""
    drawn = io.BytesIO()
    segno.make(command, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=4, border=3, dark="#000", light="#fff"
    )
    # Of modules only: nothing of the command stands in it as text.
    return Markup(drawn.getvalue().decode())


