"""Which backbone is best, and which is faster, over HTTP."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query

from controller.api.web.answers import Answer, Page, answer
from controller.api.web.paging import read_cursor, written_cursor
from controller.api.web.parts import Given
from controller.api.web.reading.asked import (
    AskedBest,
    AskedComparison,
    AskedFleetBest,
    AskedFront,
    AskedRest,
)
from controller.domain.comparisons import EQUIVALENCE_MARGIN, CompareQuestion, Comparison, Limits
from controller.domain.rankings import Candidate, LeftOut, Ranking
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking
from controller.domain.rankings.pages import RankingPage, RankingPageQuestion
from controller.domain.selectors import parse_selector
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter(tags=["rankings"])


@router.get("/api/v1/best", response_model=None)
async def best(parts: Given, asked: Annotated[AskedBest, Query()]) -> Answer[Ranking]:
    """Which backbone is best on a device; of those that lost, and of what is left out, the first.

    Where nothing satisfies the constraints there is no winner, and the answer says what is missing.
    All that lost, and all that is left out, have pages of their own.
    """
    left_out = note_left_out()
    found = await parts.queries.rank(
        asked.device, asked.constraints(), asked.accuracy_dataset, most_listed=asked.limit
    )
    return await answer(found, left_out)


@router.get("/api/v1/best/others", response_model=None)
async def best_others(
    parts: Given, asked: Annotated[AskedRest, Query()]
) -> Answer[Page[Candidate]]:
    """Those that lost on a device, neither on the front nor a tie, fastest first."""
    left_out = note_left_out()
    page = await parts.queries.ranking_page(_page(asked))
    return await answer(Page(items=page.others, next_cursor=_cursor(page)), left_out)


@router.get("/api/v1/best/left-out", response_model=None)
async def best_left_out(
    parts: Given, asked: Annotated[AskedRest, Query()]
) -> Answer[Page[LeftOut]]:
    """What was measured on a device and is not ranked, by name."""
    left_out = note_left_out()
    page = await parts.queries.ranking_page(replace(_page(asked), of_left_out=True))
    return await answer(Page(items=page.left_out, next_cursor=_cursor(page)), left_out)


@router.get("/api/v1/pareto", response_model=None)
async def pareto(
    parts: Given, asked: Annotated[AskedFront, Query()]
) -> Answer[tuple[Candidate, ...]]:
    """What no other beats in both top-1 and median latency on a device, fastest first."""
    left_out = note_left_out()
    found = await parts.queries.rank(
        asked.device, asked.constraints(), asked.accuracy_dataset, most_listed=0
    )
    return await answer(found.pareto_front, left_out)


@router.get("/api/v1/best-for-fleet", response_model=None)
async def best_for_fleet(
    parts: Given, asked: Annotated[AskedFleetBest, Query()]
) -> Answer[FleetRanking]:
    """What is best on each of many devices, and for all of them together."""
    left_out = note_left_out()
    question = FleetQuestion(
        devices=tuple(asked.device),
        constraints=asked.constraints(),
        accuracy_dataset=asked.accuracy_dataset,
    )
    return await answer(await parts.queries.rank_fleet(question), left_out)


@router.get("/api/v1/compare", response_model=None)
async def compare(parts: Given, asked: Annotated[AskedComparison, Query()]) -> Answer[Comparison]:
    """Whether B is faster or slower than A, pair by pair."""
    left_out = note_left_out()
    margin = asked.equivalence_margin
    limits = Limits(
        equivalence_margin=EQUIVALENCE_MARGIN if margin is None else margin,
        regression_threshold=asked.regression_threshold,
        include_disturbed=asked.include_disturbed,
        include_emulated=asked.include_emulated,
    )
    question = CompareQuestion(
        a=parse_selector(asked.a), b=parse_selector(asked.b), device=asked.device, limits=limits
    )
    return await answer(await parts.queries.compare(question), left_out)


def _page(asked: AskedRest) -> RankingPageQuestion:
    """Which page is asked for, of the others; its cursor is a place in the order of the ranking."""
    return RankingPageQuestion(
        device=asked.device,
        constraints=asked.constraints(),
        accuracy_dataset=asked.accuracy_dataset,
        most=asked.limit,
        after=None if asked.cursor is None else read_cursor(asked.cursor),
    )


def _cursor(page: RankingPage) -> str | None:
    return None if page.last is None else written_cursor(page.last)
