"""The pages of devices: all of them, each by itself, and how one is added."""

import asyncio
import io
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from controller.api.web.pages.charts.pareto import pareto_chart
from controller.api.web.pages.charts.sentinel import Watched, sentinel_chart, watched
from controller.api.web.pages.charts.states import state_span, states_charts
from controller.api.web.pages.ground.links import device_link
from controller.api.web.pages.ground.site import changed, changing, page
from controller.api.web.parts import parts_of
from controller.domain.access import Caller, JoinTokenSpec
from controller.domain.devices import Device, DeviceStanding
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.domain.rankings import Constraints, Ranking
from controller.domain.sweeps import Activity
from controller.fleet.standing.tending import Tending
from controller.state.devices.sentinels import SentinelCourse, newest_courses
from controller.views.wording import candidates
from models.catalog.catalog import IMAGENET
from protos.joining import SECRET_BYTES

Tell = Callable[[Device, Caller], Awaitable[DeviceStanding]]

_EVENTS: Final = 30
_DRAWN: Final = 200
_SWEEPS: Final = 12
_READINGS: Final = 100
_RANKED: Final = 10
_LATEST: Final = 12
_JOIN_WITHIN_MS: Final = 3_600_000


def add_devices(router: APIRouter) -> None:
    """Add the pages of devices to the router."""
    _add_list(router)
    _add_joining(router)
    _add_one(router)
    _add_changes(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/devices")
    async def devices(request: Request) -> Response:
        found = await parts_of(request).queries.devices()
        return await page(
            request,
            "devices/list.html",
            devices=found,
            doing=_doing(parts_of(request).fleet.activities()),
            can_join=parts_of(request).is_encrypted,
            is_open=parts_of(request).open_to_all,
        )


def _add_joining(router: APIRouter) -> None:
    @router.post("/devices/add")
    async def add(request: Request) -> Response:
        await changing(request)
        spec = JoinTokenSpec(lifetime_ms=_JOIN_WITHIN_MS, uses=1, labels={})
        secret = secrets.token_bytes(SECRET_BYTES)
        token, token_id = await asyncio.to_thread(
            parts_of(request).administration.new_join_token, spec, secret, None
        )
        await changed(request, token_id)
        command = f"edgerank agent --join {token}"
        return await page(request, "devices/join.html", command=command, code=qr_code(command))


def _add_one(router: APIRouter) -> None:
    @router.get("/devices/{name}")
    async def device(request: Request, name: str) -> Response:
        queries = parts_of(request).queries
        found = find_device(await queries.devices(with_removed=True), name)
        events = await queries.device_events(found.name, _EVENTS)
        ranking = await queries.rank(found.name, Constraints(), IMAGENET, most_listed=_DRAWN)
        latest = await _latest(request, ranking)
        courses = await queries.listed(
            newest_courses,
            parts_of(request).database,
            found.device_id,
            sweeps_at_most=_SWEEPS,
            readings_at_most=_READINGS,
        )
        sentinel = await queries.computed(_sentinel, courses)
        return await page(
            request,
            "devices/one.html",
            device=found,
            doing=_doing(parts_of(request).fleet.activities()).get(found.name, ()),
            events=events,
            ranking=ranking,
            ranked=sorted(candidates(ranking), key=lambda each: each != ranking.winner)[:_RANKED],
            chart=await asyncio.to_thread(pareto_chart, ranking),
            states=await asyncio.to_thread(states_charts, latest),
            state_rows=[(each, span) for each in latest if (span := state_span(each.repetitions))],
            sentinel=sentinel,
            sentinel_chart=await asyncio.to_thread(sentinel_chart, sentinel),
        )


def _add_changes(router: APIRouter) -> None:
    @router.post("/devices/{name}/drain")
    async def drain(request: Request, name: str) -> Response:
        return await _told(request, name, _tending(request).drain)

    @router.post("/devices/{name}/rest")
    async def rest(request: Request, name: str) -> Response:
        return await _told(request, name, _tending(request).rest)

    @router.post("/devices/{name}/wake")
    async def wake(request: Request, name: str) -> Response:
        return await _told(request, name, _tending(request).wake)


def _tending(request: Request) -> Tending:
    return parts_of(request).fleet.tending


async def _told(request: Request, name: str, tell: Tell) -> Response:
    caller, _ = await changing(request)
    device = find_device(await parts_of(request).queries.devices(), name)
    await tell(device, caller)
    await changed(request, device.name)
    return RedirectResponse(device_link(device.name), 303)


async def _latest(request: Request, ranking: Ranking) -> Sequence[Measurement]:
    """The newest measurements that a ranking has, with samples, the oldest first."""
    measured = [each.measurement for each in candidates(ranking)]
    newest = sorted(measured, key=lambda each: each.measured_at_unix_ms)[-_LATEST:]
    wanted = MeasurementFilter(with_samples=True)
    queries = parts_of(request).queries
    found = [await queries.measurement(each.measurement_id, wanted) for each in newest]
    return list(filter(None, found))


def _sentinel(courses: Sequence[SentinelCourse]) -> list[Watched]:
    return [watched(each) for each in courses]


def _doing(activities: Sequence[Activity]) -> dict[str, tuple[Activity, ...]]:
    found: dict[str, tuple[Activity, ...]] = {}
    for each in activities:
        found[each.device] = (*found.get(each.device, ()), each)
    return found


def qr_code(command: str) -> Markup:
    """A QR code of a command, as SVG without a style or a size of its own.

    A token of many addresses is a code of many modules, which has the place of a small one.
    """
    drawn = io.BytesIO()
    segno.make(command, error="m").save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=3,
        dark="#000",
        light="#fff",
    )
    # Of modules only: nothing of the command stands in it as text.
    return Markup(drawn.getvalue().decode())
