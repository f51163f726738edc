"""The page over several devices: one backbone for all of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.asking.question import read_question
from controller.api.web.pages.charts.slopes import ranks, slope_chart
from controller.api.web.pages.ground.site import page
from controller.api.web.parts import parts_of
from controller.api.web.problems import HTTP_STATUSES
from controller.domain.errors import EdgerankError
from controller.domain.measurements import Measurement
from controller.domain.rankings.fleet import (
    ChoiceOnDevice,
    FleetChoice,
    FleetQuestion,
    FleetRanking,
)
from controller.views.fleet_words import (
    fleet_headline,
    fleet_rule,
    lacking_words,
    loss_words,
    regret_words,
    without_figures_words,
)
from models.catalog.tiers import Tier

_HEATS: Final = 6
_MOST_DEVICES: Final = 12
_DIGITS: Final = 7
_BESIDES: Final = ("devices", "column")
# Of the first page, on which there is one device.
_WITHOUT: Final = ("device", "all")
Row = tuple[FleetChoice, Sequence[ChoiceOnDevice]]


def add_fleet(router: APIRouter) -> None:
    """Add the page over several devices to the router."""

    @router.get("/fleet")
    async def fleet(request: Request) -> Response:
        asked = dict(request.query_params)
        queries = parts_of(request).queries
        shown: dict[str, Any] = {"ranking": None, "problem": ""}
        status = 200
        try:
            question = FleetQuestion(
                devices=tuple(filter(None, map(str.strip, asked.get("devices", "").split(",")))),
                constraints=read_question(asked, _BESIDES, without=_WITHOUT).constraints,
            )
            ranking = await queries.rank_fleet(question)
            # In a thread: of hundreds of devices it takes a moment, in which agents would wait.
            shown |= await queries.computed(_shown, ranking, _first_column(asked))
        except EdgerankError as error:
            status, shown["problem"] = HTTP_STATUSES[error.code], str(error)
        return await page(
            request,
            "fleet/heat.html",
            status=status,
            asked=asked,
            tiers=[each.value for each in Tier],
            regret_words=regret_words,
            loss_words=loss_words,
            lacking_words=lacking_words,
            links=_links(asked, shown.get("column", 0)),
            **shown,
        )


def _shown(ranking: FleetRanking, column: int) -> dict[str, Any]:
    """What the page shows of a ranking, of its devices those from this column on."""
    choices = list(_choices(ranking))
    devices = [place.device for place in ranking.places]
    column = min(column, max(0, len(devices) - 1))
    columns = devices[column : column + _MOST_DEVICES]
    here = frozenset(columns)
    rows = [
        (choice, [on for on in choice.on_devices if on.measurement.device in here])
        for choice in choices
    ]
    measured = {choice.backbone: [on.measurement for on in its] for choice, its in rows}
    behind = ranking.tie_count - len(ranking.ties) + ranking.other_count - len(ranking.others)
    return {
        "ranking": ranking,
        "headline_words": fleet_headline(ranking, of_each=False),
        "rule": fleet_rule(ranking),
        "rows": rows,
        "row_count": len(rows) + max(0, behind),
        "column": column,
        "devices": columns,
        "places": ranking.places[column : column + _MOST_DEVICES],
        "device_count": len(devices),
        "heats": _heats(rows),
        "without": without_figures_words(ranking.without_figures),
        "has_without": bool(ranking.without_figures),
        "slopes": slope_chart(measured, columns),
        "ranks": ranks(measured, columns),
    }


def _first_column(asked: Mapping[str, str]) -> int:
    text = asked.get("column", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else 0


def _links(asked: Mapping[str, str], column: int) -> dict[str, str]:
    """Where the columns before and behind those shown are."""
    places = {"before": max(0, column - _MOST_DEVICES), "behind": column + _MOST_DEVICES}
    return {
        name: f"/fleet?{urlencode({**asked, 'column': place})}#heat-heading"
        for name, place in places.items()
    }


def _choices(ranking: FleetRanking) -> Iterator[FleetChoice]:
    """Each backbone that satisfies the constraints everywhere, once, the best first."""
    seen: set[str] = set()
    winners = filter(None, (ranking.least_worst, ranking.least_mean))
    for choice in (*winners, *ranking.ties, *ranking.others):
        if choice.backbone not in seen:
            seen.add(choice.backbone)
            yield choice


def _heats(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """For each backbone on each device how slow it is beside the others there, 0 to 5."""
    by_device: dict[str, list[Measurement]] = {}
    for _, its in rows:
        for on in its:
            by_device.setdefault(on.measurement.device, []).append(on.measurement)
    found = {}
    for device, several in by_device.items():
        logs = {m.backbone: math.log(m.latency.median_ms) for m in several if m.latency}
        low, high = min(logs.values(), default=0.0), max(logs.values(), default=0.0)
        for name, log in logs.items():
            share = (log - low) / (high - low) if high > low else 0.0
            found[name, device] = min(_HEATS - 1, int(share * _HEATS))
    return found
