"""A page that compares knows before it reads how much it would read."""

import pytest

from controller.api.web.pages.comparing.reach import reach
from controller.domain.comparisons import CompareQuestion
from controller.domain.selectors import parse_selector
from controller.state.database import Database
from controller.state.sweeps import list_sweeps
from models.catalog.catalog import load_catalog
from tests.integration.controller.sweeps.test_newest import measure


@pytest.mark.parametrize(
    ("a", "b", "device", "most"),
    [
        ("runtime:onnxruntime", "runtime:paddlelite", None, 5),
        ("after:2026-01-01", "before:2026-01-01", "phone", 5),
        ("after:2026-01-01", "before:2026-01-01", "nobody", 0),
        ("backbone:MobileNetV1", "backbone:MobileNetV2", None, 0),
        ("MobileNetV1", "MobileNetV2", None, 0),
        ("{small}", "{large}", None, 3),
        ("{small}", "{small}", "phone", 2),
        ("{small}", "runtime:onnxruntime", None, 5),
    ],
)
def test_two_sweeps_are_as_much_as_they_have_and_not_all_that_there_is(
    database: Database, a: str, b: str, device: str | None, most: int
) -> None:
    measure(database, 5, 8, now_ms=1_000)
    measure(database, 6, 7, 9, now_ms=2_000, threads=3)
    sizes = {each.jobs_total: each.sweep_id for each in list_sweeps(database)}
    names = {"small": sizes[2], "large": sizes[3]}
    sides = [parse_selector(side.format(**names)) for side in (a, b)]
    question = CompareQuestion(a=sides[0], b=sides[1], device=device)
    assert reach(database, load_catalog(), question) == most
