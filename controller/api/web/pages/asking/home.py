"""The first page: the question, and its answer."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.asking.limits import FURTHER, GROUPS, USUAL
from controller.api.web.pages.asking.question import Question, read_question, write_question
from controller.api.web.pages.charts.pareto import pareto_chart
from controller.api.web.pages.ground.site import is_part, page
from controller.api.web.parts import parts_of
from controller.api.web.problems import HTTP_STATUSES
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError
from controller.domain.rankings import Merit, Ranking
from controller.views import wording
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.runtimes import Runtime

_ROWS: Final = 40
_MOST_ROWS: Final = 500
_DRAWN: Final = 200
_MOST_DEVICES: Final = 500
_LEFT_OUT: Final = 20
_CONFIDENCES: Final = ("90", "95", "99")


def add_home(router: APIRouter) -> None:
    """Add the first page to the router."""

    @router.get("/")
    async def home(request: Request) -> Response:
        asked = dict(request.query_params)
        devices = await parts_of(request).queries.devices(with_removed=True)
        shown: dict[str, Any] = {"question": Question(), "ranking": None, "problem": ""}
        status = 200
        try:
            question = read_question(asked)
            if not question.device and devices:
                question = replace(question, device=devices[0].name)
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
            devices=_offered(devices, shown["question"].device),
            usual=USUAL,
            further=FURTHER,
            set_count=_set(asked, [each.name for each in USUAL]),
            set_counts={title: _set(asked, names) for title, names in GROUPS.items()},
            options=_options(asked),
            series=sorted({each.series for each in parts_of(request).catalog}),
            **shown,
        )
        if is_part(request):
            response.headers["HX-Push-Url"] = f"/?{write_question(shown['question'])}"
        return response


def _set(asked: Mapping[str, str], names: Iterable[str]) -> int:
    """How many of these parameters are asked for."""
    return sum(bool(asked.get(name, "").strip()) for name in names)


def _options(asked: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What the form lists to choose from: what stands in the address, and what people read."""
    other = asked.get("confidence", "")
    confidences = [*_CONFIDENCES, *([other] if other not in ("", *_CONFIDENCES) else [])]
    return {
        **{
            name: [(each.value, each.value) for each in kind]
            for name, kind in (("tier", Tier), ("runtime", Runtime), ("precision", Precision))
        },
        **{name: [("yes", "yes"), ("no", "no")] for name in ("distilled", "extra_data")},
        "by": [(each.value, wording.MERIT_WORDS[each].lower()) for each in Merit],
        "confidence": [(each, f"at {each} % confidence") for each in confidences],
    }


def _offered(devices: tuple[Device, ...], chosen: str) -> list[Device]:
    """The devices that the form lists: of very many the first, and the one that was chosen."""
    own = [each for each in devices[_MOST_DEVICES:] if each.name == chosen]
    return [*devices[:_MOST_DEVICES], *own[:1]]


async def _answered(request: Request, question: Question) -> dict[str, Any]:
    ranking = await parts_of(request).queries.rank(
        question.device,
        question.constraints,
        IMAGENET,
        most_listed=_MOST_ROWS if question.shows_all else _DRAWN,
    )
    # It takes a moment, in which agents would wait.
    return await asyncio.to_thread(answer_shown, ranking, question)


def answer_shown(ranking: Ranking, question: Question) -> dict[str, Any]:
    """What the page shows of a ranking."""
    candidates = sorted(wording.with_held_back(ranking), key=lambda each: each != ranking.winner)
    rows = candidates[: _MOST_ROWS if question.shows_all else _ROWS]
    untold = ranking.other_count - len(ranking.others)
    return {
        "ranking": ranking,
        "rows": rows,
        "row_count": len(candidates) + untold,
        "drawn_count": len(candidates),
        "most_rows": _MOST_ROWS,
        "all_link": f"/?{write_question(replace(question, shows_all=True))}",
        "left_out": ranking.left_out[:_LEFT_OUT],
        "names": wording.names_of(ranking),
        "by_id": {each.measurement.measurement_id: each.measurement for each in candidates},
        "other_answers": wording.other_answers(ranking),
        "rule": wording.winning_rule(ranking),
        "notes": wording.notes(rows),
        "chart": pareto_chart(ranking),
    }
