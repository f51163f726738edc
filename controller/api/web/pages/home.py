"""The first page: the question, and its answer."""

import asyncio
import math
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.charts.pareto import pareto_chart
from controller.api.web.pages.ground.site import is_part, page
from controller.api.web.pages.question import SLIDERS, Question, read_question, write_question
from controller.api.web.parts import parts_of
from controller.api.web.problems import HTTP_STATUSES
from controller.domain.errors import EdgerankError
from controller.domain.rankings import Merit, Ranking
from controller.views import wording
from models.catalog.catalog import IMAGENET
from models.catalog.tiers import Tier
from protos.runtimes import Runtime

_ROWS: Final = 40
_LEFT_OUT: Final = 20


def add_home(router: APIRouter) -> None:
    """Add the first page to the router."""

    @router.get("/")
    async def home(request: Request) -> Response:
        asked = dict(request.query_params)
        devices = await parts_of(request).queries.devices(with_removed=True)
        names = [each.name for each in devices]
        shown: dict[str, Any] = {"question": Question(), "ranking": None, "problem": ""}
        status = 200
        try:
            question = read_question(asked)
            if not question.device and names:
                question = replace(question, device=names[0])
            shown["question"] = question
            if question.device:
                shown |= await _answered(request, question)
        except EdgerankError as error:
            status, shown["problem"] = HTTP_STATUSES[error.code], str(error)
        response = await page(
            request,
            "home/answer.html" if is_part(request) else "home/page.html",
            status=status,
            asked=asked,
            devices=devices,
            sliders=SLIDERS,
            position=_position,
            choices={"tier": Tier, "runtime": Runtime, "by": Merit},
            merit_words=wording.MERIT_WORDS,
            **shown,
        )
        if is_part(request):
            response.headers["HX-Push-Url"] = f"/?{write_question(shown['question'])}"
        return response


async def _answered(request: Request, question: Question) -> dict[str, Any]:
    ranking = await parts_of(request).queries.rank(question.device, question.constraints, IMAGENET)
    # Of thousands of candidates it takes a moment, in which agents would wait.
    return await asyncio.to_thread(answer_shown, ranking, question)


def answer_shown(ranking: Ranking, question: Question) -> dict[str, Any]:
    """What the page shows of a ranking."""
    candidates = sorted(wording.with_held_back(ranking), key=lambda each: each != ranking.winner)
    rows = candidates if question.shows_all else candidates[:_ROWS]
    return {
        "ranking": ranking,
        "rows": rows,
        "row_count": len(candidates),
        "all_link": f"/?{write_question(replace(question, shows_all=True))}",
        "left_out": ranking.left_out[:_LEFT_OUT],
        "names": wording.names_of(ranking),
        "other_answers": wording.other_answers(ranking),
        "rule": wording.winning_rule(ranking),
        "notes": wording.notes(rows),
        "chart": pareto_chart(ranking),
    }


def _position(low: float, high: float, none_at: str, text: str, *, is_log: bool) -> int:
    """Where a slider of 1,000 steps stands for a number; at its end where none is written."""
    none = 1_000 if none_at == "high" else 0
    try:
        number = min(max(float(text), low), high)
    except ValueError:
        return none
    if math.isnan(number):
        return none
    if is_log:
        return round(1_000 * math.log(number / low) / math.log(high / low))
    return round(1_000 * (number - low) / (high - low))
