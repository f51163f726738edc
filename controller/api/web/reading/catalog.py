"""Backbones, and the datasets that their accuracy is known on, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from controller.api.web.answers import Answer, Page, answer
from controller.api.web.paging import page_of
from controller.api.web.parts import Given
from controller.api.web.reading.asked import Asked, AskedBackbones
from controller.domain.catalog import Dataset
from controller.state.schema.unreadable import note_left_out
from models.catalog.catalog import Backbone
from models.catalog.tiers import apply_rule

router: Final = APIRouter(tags=["backbones"])


@router.get("/api/v1/backbones", response_model=None)
async def list_backbones(
    parts: Given, asked: Annotated[AskedBackbones, Query()]
) -> Answer[Page[Backbone]]:
    """The catalog, people's own models behind it; of a tier, the most accurate first."""
    found = parts.queries.backbones()
    if asked.tier is not None:
        found = apply_rule(found, asked.tier).chosen
    meant = [each for each in found if _is_meant(each, asked)]
    page = page_of(meant, lambda each: each.name, asked.cursor, asked.limit)
    return await answer(page, note_left_out())


@router.get("/api/v1/datasets", response_model=None)
async def list_datasets(
    parts: Given,
    asked: Annotated[Asked, Query()],  # noqa: ARG001 - refuses every parameter
) -> Answer[tuple[Dataset, ...]]:
    """The datasets that accuracy is known on, by name."""
    left_out = note_left_out()
    return await answer(await parts.queries.datasets(), left_out)


def _is_meant(backbone: Backbone, asked: AskedBackbones) -> bool:
    return (
        asked.series in (None, backbone.series)
        and asked.distilled in (None, backbone.distilled)
        and asked.extra_data in (None, backbone.extra_data)
        and (asked.name_contains or "").lower() in backbone.name.lower()
    )
