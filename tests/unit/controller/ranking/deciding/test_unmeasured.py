"""What is offered beside a ranking: only what might be better, and none of it ranked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.measurements import Measurement
from controller.domain.rankings import MOST_BACKBONES, Constraints, Merit, Ranking
from controller.domain.rankings.beside import PredictedBeside, Prospect, PublishedBeside
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.predicted import (
    DevicePredictions,
    PredictedBackbone,
    PredictedFigure,
    PredictedSetting,
)
from controller.domain.rankings.reference import Agreement, DeviceReference, ReferencePair
from controller.ranking.ranking import rank
from controller.ranking.standing.unmeasured import predicted_beside, published_beside
from models.catalog.precisions import Precision
from protos.runtimes import Runtime
from tests.unit.controller.samples.asked_sweeps import asked_by
from tests.unit.controller.samples.measurements import DEVICE, catalog, measurement
from tests.unit.controller.samples.reports import PUBLISHED

KNOWN = catalog(Fast=70, Good=76, Slow=80, New=78, Weak=60, Unknown=None)
MEASURED = (
    measurement("Fast", 5, 0.1, top1=70),
    measurement("Good", 10, 0.1, top1=76),
    measurement("Slow", 40, 0.1, top1=80),
)
ENABLING = asked_by("--models", "A", "--devices", DEVICE)


def ranked(within: Constraints, *measured: Measurement) -> Ranking:
    return rank(DEVICE, measured or MEASURED, within, KNOWN)


def predictions(
    *figures: tuple[str, float, float], threads: int = 1, memory: float | None = None
) -> DevicePredictions:
    """Of each name a latency, and how far its interval goes to either side."""
    peak = None if memory is None else PredictedFigure(value=memory, low=memory, high=memory)
    predicted = tuple(
        PredictedBackbone(
            backbone=name,
            latency_ms=PredictedFigure(value=ms, low=ms - half, high=ms + half),
            peak_rss_bytes=peak,
        )
        for name, ms, half in figures
    )
    setting = PredictedSetting(
        runtime=Runtime.ONNXRUNTIME, threads=threads, predicted=predicted, rests_on=("Fast", "Good")
    )
    return DevicePredictions(
        device=DEVICE, confidence=0.9, settings=(setting,), suggested_sweep=ENABLING
    )


def offered(within: Constraints, told: DevicePredictions) -> PredictedBeside:
    ranking = ranked(within)
    return predicted_beside(ranking, ranking.pareto_front, told, KNOWN)


def prospects(within: Constraints, told: DevicePredictions) -> dict[str, Prospect]:
    return {each.backbone: each.prospect for each in offered(within, told).candidates}


@pytest.mark.parametrize(
    ("within", "ms", "half", "prospect"),
    [
        (Constraints(max_latency_ms=20), 15, 1, Prospect.WINNER),
        (Constraints(max_latency_ms=20), 21, 2, Prospect.PERHAPS),
        (Constraints(max_latency_ms=20), 25, 2, None),
        (Constraints(by=Merit.LATENCY), 4, 0.1, Prospect.WINNER),
        (Constraints(by=Merit.LATENCY), 8, 0.1, Prospect.FRONT),
        (Constraints(by=Merit.LATENCY), 41, 2, Prospect.PERHAPS),
        (Constraints(by=Merit.LATENCY), 60, 2, None),
        (Constraints(by=Merit.ACCURACY), 15, 1, Prospect.FRONT),
        (Constraints(min_top1=79), 4, 1, None),
        (Constraints(max_latency_ms=20, series=("Fast",)), 15, 1, None),
        (Constraints(max_latency_ms=20, runtime=Runtime.PADDLELITE), 15, 1, None),
        (Constraints(max_latency_ms=20, threads=2), 15, 1, None),
        (Constraints(max_latency_ms=20, precision=Precision.INT8_STATIC), 15, 1, None),
    ],
)
def test_it_is_offered_by_what_it_would_be(
    within: Constraints, ms: float, half: float, prospect: Prospect | None
) -> None:
    found = prospects(within, predictions(("New", ms, half)))
    assert found == ({} if prospect is None else {"New": prospect})


def test_the_knee_of_a_front_with_it_would_win_by_value() -> None:
    assert prospects(Constraints(), predictions(("New", 6, 0.1))) == {"New": Prospect.WINNER}
    assert prospects(Constraints(), predictions(("New", 39, 0.1))) == {"New": Prospect.FRONT}


def test_by_memory_it_would_win_with_less() -> None:
    within = Constraints(by=Merit.MEMORY)
    assert prospects(within, predictions(("Weak", 90, 1), memory=1e6)) == {"Weak": Prospect.WINNER}
    assert prospects(within, predictions(("Weak", 90, 1), memory=9e9)) == {}
    assert prospects(within, predictions(("Weak", 90, 1))) == {}


def test_where_nothing_measured_qualifies_all_that_would_is_offered() -> None:
    within = Constraints(max_latency_ms=4)
    found = offered(within, predictions(("New", 3.5, 0.1), ("Weak", 3, 0.1), ("Slow", 30, 1)))
    assert [(each.backbone, each.prospect) for each in found.candidates] == [
        ("New", Prospect.WINNER),
        ("Weak", Prospect.WINNER),
    ]
    assert found.suggested_sweep is not None
    assert found.suggested_sweep.backbones == ("New", "Weak")
    assert found.suggested_sweep.runtimes == (Runtime.ONNXRUNTIME,)


def test_a_limit_on_what_is_not_predicted_is_told_and_held_as_far_as_it_can_be() -> None:
    limits = (
        Limit(criterion=Criterion.P99, bound=Bound.AT_MOST, value=20),
        Limit(criterion=Criterion.ARTIFACT_SIZE, bound=Bound.AT_MOST, value=1e9),
    )
    within = Constraints(limits=limits, max_memory_bytes=50_000_000)
    found = offered(within, predictions(("New", 15, 1), ("Slow", 30, 1)))
    assert [each.backbone for each in found.candidates] == ["New"]
    assert set(found.unheld) == {Criterion.P99, Criterion.ARTIFACT_SIZE, Criterion.MEMORY}
    known = offered(within, predictions(("New", 15, 1), memory=40e6))
    assert Criterion.MEMORY not in known.unheld
    assert prospects(within, predictions(("New", 15, 1), memory=60e6)) == {}


def test_of_many_the_first_are_told_each_in_its_best_setting() -> None:
    names = {f"Net{number:02}": 81 + number / 10 for number in range(20)}
    known = catalog(**names)
    ranking = ranked(Constraints(max_latency_ms=20))
    slow, fast = (
        predictions(*((name, ms, 0.1) for name in names), threads=threads).settings[0]
        for ms, threads in ((15.0, 1), (8.0, 2))
    )
    told = DevicePredictions(device=DEVICE, confidence=0.9, settings=(slow, fast))
    found = predicted_beside(ranking, ranking.pareto_front, told, known)
    assert (len(found.candidates), found.candidate_count) == (MOST_BACKBONES, 20)
    assert {each.threads for each in found.candidates} == {2}
    assert [each.threads for each in found.rests_on] == [2]
    assert found.candidates[0].backbone == "Net19"
    assert found.suggested_sweep is not None
    assert found.suggested_sweep.threads == (2,)


def test_where_nothing_can_be_predicted_it_is_told_what_would_change_that() -> None:
    assert offered(Constraints(), predictions()).suggested_sweep == ENABLING
    beaten = offered(Constraints(), predictions(("Weak", 90, 1)))
    assert (beaten.candidates, beaten.suggested_sweep) == ((), None)


@given(
    figures=st.lists(
        st.tuples(
            st.sampled_from(("New", "Weak", "Good", "Slow")),
            st.floats(0.5, 100),
            st.floats(0, 0.3),
        ),
        max_size=6,
    ),
    most_ms=st.none() | st.floats(1, 50),
    merit=st.none() | st.sampled_from((Merit.LATENCY, Merit.ACCURACY, Merit.VALUE)),
)
def test_nothing_is_offered_that_cannot_be_better(
    figures: list[tuple[str, float, float]], most_ms: float | None, merit: Merit | None
) -> None:
    within = Constraints(max_latency_ms=most_ms, by=merit)
    told = predictions(*((name, ms, ms * half) for name, ms, half in figures))
    ranking = ranked(within)
    found = predicted_beside(ranking, ranking.pareto_front, told, KNOWN)
    assert len({each.backbone for each in found.candidates}) == found.candidate_count
    for each in found.candidates:
        assert most_ms is None or each.latency_ms.low <= most_ms
        for measured in ranking.pareto_front:
            latency, top1 = measured.measurement.latency, measured.measurement.top1
            assert latency is not None
            assert top1 is not None
            assert each.top1 is not None
            is_beaten = latency.median_ms <= each.latency_ms.low and top1 >= each.top1
            assert not is_beaten


def published(
    within: Constraints, agreement: Agreement = Agreement.NOT_MEASURED, **changes: object
) -> PublishedBeside:
    figure = replace(PUBLISHED, **{"backbone": "New", "latency_ms": 15.0, **changes})  # type: ignore[arg-type]
    told = DeviceReference(
        device=DEVICE,
        published_devices=("Snapdragon 855",),
        pairs=(ReferencePair(published=figure, agreement=agreement),),
    )
    ranking = ranked(within)
    return published_beside(ranking, ranking.pareto_front, told, KNOWN)


def test_what_others_published_is_offered_as_they_published_it() -> None:
    found = published(Constraints(max_latency_ms=20))
    (each,) = found.candidates
    assert (each.published.source, each.published.device) == ("a document", "Snapdragon 855")
    assert (each.prospect, each.fp32_top1) == (Prospect.WINNER, 78)
    assert not published(Constraints(max_latency_ms=14)).candidates
    assert not published(Constraints(max_latency_ms=20, precision=Precision.FP16)).candidates
    assert not published(Constraints(max_latency_ms=20), Agreement.AGREES).candidates
    assert published(Constraints(max_latency_ms=20), Agreement.OTHER_SETTING).candidates


def test_a_device_that_nobody_published_of_has_nothing_beside_it() -> None:
    ranking = ranked(Constraints())
    assert published_beside(ranking, ranking.pareto_front, None, KNOWN) == PublishedBeside()
