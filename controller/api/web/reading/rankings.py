"""Which backbone is best, and which is faster, over HTTP."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query

from controller.api.web.answers import Answer, answer
from controller.api.web.parts import Given
from controller.api.web.reading.asked import (
    AskedBest,
    AskedComparison,
    AskedFleetBest,
    AskedFront,
)
from controller.domain.comparisons import EQUIVALENCE_MARGIN, CompareQuestion, Comparison, Limits
from controller.domain.rankings import Candidate, Ranking
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking
from controller.domain.selectors import parse_selector
from controller.state.schema.unreadable import note_left_out

router: Final = APIRouter(tags=["rankings"])


@router.get("/api/v1/best", response_model=None)
async def best(parts: Given, asked: Annotated[AskedBest, Query()]) -> Answer[Ranking]:
    """Which backbone is best on a device; of those that lost, and of what is left out, the first.

    Where nothing satisfies the constraints there is no winner, and the answer says what is missing.
    """
    left_out = note_left_out()
    found = await parts.queries.rank(asked.device, asked.constraints(), asked.accuracy_dataset)
    most = asked.limit
    some = replace(found, others=found.others[:most], left_out=found.left_out[:most])
    return await answer(some, left_out)


@router.get("/api/v1/pareto", response_model=None)
async def pareto(
    parts: Given, asked: Annotated[AskedFront, Query()]
) -> Answer[tuple[Candidate, ...]]:
    """What no other beats in both top-1 and median latency on a device, fastest first."""
    left_out = note_left_out()
    found = await parts.queries.rank(asked.device, asked.constraints(), asked.accuracy_dataset)
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
