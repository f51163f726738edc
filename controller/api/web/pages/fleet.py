"""The pages over several devices: one backbone for all of them, and two of anything compared."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.asking.question import read_question
from controller.api.web.pages.charts.slopes import slope_chart
from controller.api.web.pages.ground.site import page
from controller.api.web.parts import parts_of
from controller.domain.comparisons import Change, CompareQuestion
from controller.domain.errors import EdgerankError
from controller.domain.measurements import Measurement
from controller.domain.rankings.fleet import FleetChoice, FleetQuestion, FleetRanking
from controller.domain.selectors import parse_selector
from controller.views.fleet_words import (
    fleet_headline,
    fleet_rule,
    lacking_words,
    loss_words,
    regret_words,
    without_figures_words,
)

_HEATS: Final = 6
_PAIRS: Final = 200
_SUGGESTED: Final = 20
_MOST_DEVICES: Final = 24
CHANGE_WORDS: Final[Mapping[Change, str]] = {
    Change.FASTER: "faster",
    Change.SLOWER: "slower",
    Change.SAME: "the same",
    Change.CANNOT_TELL: "cannot tell",
}


def add_fleet(router: APIRouter) -> None:
    """Add the pages over several devices to the router."""
    _add_heat(router)
    _add_comparison(router)


def _add_heat(router: APIRouter) -> None:
    @router.get("/fleet")
    async def fleet(request: Request) -> Response:
        asked = dict(request.query_params)
        constraints = read_question(asked).constraints
        question = FleetQuestion(constraints=constraints)
        ranking = await parts_of(request).queries.rank_fleet(question)
        choices = list(_choices(ranking))
        devices = [place.device for place in ranking.places]
        measured = {each.backbone: [on.measurement for on in each.on_devices] for each in choices}
        return await page(
            request,
            "fleet/heat.html",
            asked=asked,
            ranking=ranking,
            headline_words=fleet_headline(ranking, of_each=False),
            rule=fleet_rule(ranking),
            choices=choices,
            devices=devices[:_MOST_DEVICES],
            device_count=len(devices),
            heats=_heats(choices),
            regret_words=regret_words,
            loss_words=loss_words,
            lacking_words=lacking_words,
            without=without_figures_words(ranking.without_figures),
            slopes=slope_chart(measured, devices[:_MOST_DEVICES]),
        )


def _choices(ranking: FleetRanking) -> Iterator[FleetChoice]:
    """Each backbone that satisfies the constraints everywhere, once, the best first."""
    seen: set[str] = set()
    winners = filter(None, (ranking.least_worst, ranking.least_mean))
    for choice in (*winners, *ranking.ties, *ranking.others):
        if choice.backbone not in seen:
            seen.add(choice.backbone)
            yield choice


def _heats(choices: Sequence[FleetChoice]) -> dict[tuple[str, str], int]:
    """For each backbone on each device how slow it is beside the others there, 0 to 5."""
    by_device: dict[str, list[Measurement]] = {}
    for choice in choices:
        for on in choice.on_devices:
            by_device.setdefault(on.measurement.device, []).append(on.measurement)
    found = {}
    for device, several in by_device.items():
        logs = {m.backbone: math.log(m.latency.median_ms) for m in several if m.latency}
        low, high = min(logs.values(), default=0.0), max(logs.values(), default=0.0)
        for name, log in logs.items():
            share = (log - low) / (high - low) if high > low else 0.0
            found[name, device] = min(_HEATS - 1, int(share * _HEATS))
    return found


def _add_comparison(router: APIRouter) -> None:
    @router.get("/compare")
    async def compare(request: Request) -> Response:
        queries = parts_of(request).queries
        asked = {name: text.strip() for name, text in request.query_params.items()}
        comparison, problem = None, ""
        if asked.get("a") and asked.get("b"):
            try:
                comparison = await queries.compare(
                    CompareQuestion(
                        a=parse_selector(asked["a"]),
                        b=parse_selector(asked["b"]),
                        device=asked.get("device") or None,
                    )
                )
            except EdgerankError as error:
                problem = str(error)
        pairs = () if comparison is None else comparison.pairs
        sweeps = (await queries.sweeps())[:_SUGGESTED]
        return await page(
            request,
            "fleet/compare.html",
            status=400 if problem else 200,
            asked=asked,
            problem=problem,
            comparison=comparison,
            pairs=pairs[:_PAIRS],
            counts=Counter(pair.change for pair in pairs),
            change_words=CHANGE_WORDS,
            suggested=[each.name or each.sweep_id for each in sweeps if not each.is_profile],
            devices=[each.name for each in await queries.devices(with_removed=True)],
        )
