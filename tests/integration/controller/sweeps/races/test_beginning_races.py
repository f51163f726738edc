"""A race begins with the backbones that tell most: chosen once, and while others may write."""

from collections.abc import Sequence
from typing import Any

import pytest

from controller.domain.measurements import MeasurementFilter
from controller.fleet.rounds import expecting
from controller.fleet.rounds.expecting import PIONEERS
from controller.ranking.prediction import first_backbones
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.sweeps import add_sweep
from controller.sweeps import starting
from controller.sweeps.starting import Before
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.sweeps.races.test_races import CATALOG, NAMES, RACE, work_off


@pytest.mark.parametrize("known_count", [0, 4])
def test_what_it_begins_with_is_chosen_once_and_before_anything_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch, known_count: int
) -> None:
    store_catalog(database, CATALOG)
    names = tuple(name for name in NAMES if "int8" not in name)
    reused: Sequence[str] = ()
    if known_count:
        known = names[:known_count]
        before = start_sweep(database, "phone", **(RACE | {"backbones": known, "race": None}))
        work_off(database)
        figures = list_measurements(database, MeasurementFilter(sweep_id=before))
        reused = [each.job_id for each in figures]
        assert len(reused) == known_count
    threads = (1,) if known_count else (1, 2)
    done: list[str] = []

    def choose(*asked: Any, **named: Any) -> tuple[str, ...]:
        done.append("chosen")
        return first_backbones(*asked, **named)

    def add(*asked: Any, **named: Any) -> tuple[str, ...]:
        done.append("written")
        return add_sweep(*asked, **named)

    monkeypatch.setattr(expecting, "first_backbones", choose)
    monkeypatch.setattr(starting, "add_sweep", add)
    expecting._first.cache_clear()
    start_sweep(
        database,
        "phone",
        # What is known is so with one thread.
        threads=threads,
        repetitions=(1, 10),
        also=() if known_count else ("board",),
        before=Before(reused=reused),
        **(RACE | {"backbones": names[known_count:]}),
    )
    assert done == ["chosen", "written"]
    first = PIONEERS - known_count
    assert len(set(work_off(database)[: first * len(threads)])) == first
