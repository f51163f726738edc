"""What the pages' charts show is told to who does not see them."""

from dataclasses import replace

from controller.api.web.pages.charts.as_tables import distribution_rows, process_rows
from controller.api.web.pages.charts.slopes import ranks
from controller.domain.rankings import Constraints
from controller.ranking.ranking import rank
from controller.views.chart import front_words
from models.catalog.catalog import Catalog
from tests.measured import repetition_of
from tests.unit.controller.samples.measurements import DEVICE, measurement

MS = 1_000_000


def test_each_process_of_a_measurement_has_its_row() -> None:
    processes = [
        repetition_of(tuple(level * MS for level in levels)) for levels in ((3, 1, 2), (4, 5, 9))
    ]
    measured = replace(measurement("ResNet50", 3.0, 0.1), repetitions=tuple(processes))
    rows = list(process_rows(measured))
    assert [(each.number, each.samples) for each in rows] == [(1, 3), (2, 3)]
    assert [(each.least_ms, each.median_ms, each.most_ms) for each in rows] == [
        (1.0, 2.0, 3.0),
        (4.0, 5.0, 9.0),
    ]


def test_half_of_the_samples_are_within_the_median() -> None:
    process = repetition_of(tuple(level * MS for level in range(1, 102)))
    measured = replace(measurement("ResNet50", 51.0, 0.1), repetitions=(process,))
    shares = dict(distribution_rows(measured))
    assert shares[50] == 51.0
    assert shares[99] == 100.0
    assert list(shares.values()) == sorted(shares.values())
    assert distribution_rows(replace(measured, repetitions=())) == []


def test_ranks_are_those_among_what_is_shown_on_each_device() -> None:
    def on(device: str, name: str, ms: float) -> object:
        return replace(measurement(name, ms, ms / 50), device=device)

    shown = {"a": [on("x", "a", 1.0), on("y", "a", 9.0)], "b": [on("x", "b", 2.0)]}
    found = ranks(shown, ("x", "y"))  # type: ignore[arg-type]
    assert found == {("a", "x"): (1, 1.0), ("b", "x"): (2, 2.0), ("a", "y"): (1, 9.0)}


def test_the_front_is_told_up_to_a_number() -> None:
    measured = [
        measurement(f"B{place:02}", 1.0 + place, 0.01, top1=60.0 + place) for place in range(30)
    ]
    words = front_words(rank(DEVICE, measured, Constraints(), Catalog([])))
    assert [name for name in (f"B{place:02}" for place in range(30)) if name in words] == [
        f"B{place:02}" for place in range(12)
    ]
    assert "18 more" in words
    assert front_words(rank(DEVICE, [], Constraints(), Catalog([]))) == ""
