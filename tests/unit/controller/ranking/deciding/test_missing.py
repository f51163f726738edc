"""Why no backbone is for a whole fleet: what each limit keeps out, and the nearest miss."""

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.fleet import FleetRanking
from controller.domain.rankings.limits import Criterion
from controller.ranking.fleet import DeviceFigures, rank_fleet
from controller.ranking.ranking import rank
from models.catalog.catalog import IMAGENET
from tests.unit.controller.samples.measurements import catalog, measurement

KNOWN = catalog(A=70, B=76, C=80)
TOP1 = {"A": 70.0, "B": 76.0, "C": 80.0}


def fleet(within: Constraints, **latencies: dict[str, float]) -> FleetRanking:
    """Of each device the latency of each backbone, ms."""
    devices = [
        DeviceFigures(
            device=device,
            measurements=[
                measurement(name, ms, 0.1, top1=TOP1[name], device=device)
                for name, ms in of_device.items()
            ],
        )
        for device, of_device in latencies.items()
    ]
    return rank_fleet(devices, within, KNOWN, IMAGENET)


def test_where_each_device_has_a_best_but_all_have_none_the_limit_to_blame_is_told() -> None:
    told = fleet(
        Constraints(max_latency_ms=20, min_top1=75),
        pc={"A": 2, "B": 10, "C": 40},
        board={"A": 12, "B": 26, "C": 15},
    )
    assert told.least_worst is None
    assert all(place.best is not None for place in told.places)
    assert not any(place.limit_effects for place in told.places)
    latency, top1 = told.limit_effects
    assert (latency.criterion, latency.excluded, latency.would_leave) == (Criterion.LATENCY, 2, 2)
    assert latency.nearest is not None
    # B misses it by 6 ms on the board, C by 20 ms on the pc.
    assert (latency.nearest.backbone, latency.nearest.device) == ("B", "board")
    assert (latency.figure, round(latency.over or 0, 6)) == (26.1, 6.1)
    assert (top1.criterion, top1.excluded, top1.would_leave) == (Criterion.TOP1, 1, 1)
    assert top1.nearest is not None
    assert (top1.nearest.backbone, top1.over) == ("A", 5)


def test_a_device_on_which_nothing_qualifies_says_so_as_it_does_alone() -> None:
    within = Constraints(max_latency_ms=20)
    told = fleet(within, pc={"A": 2, "B": 10}, board={"A": 30, "B": 90})
    pc, board = told.places
    assert pc.limit_effects == ()
    (effect,) = board.limit_effects
    alone = rank(
        "board",
        [
            measurement(name, ms, 0.1, top1=TOP1[name], device="board")
            for name, ms in {"A": 30.0, "B": 90.0}.items()
        ],
        within,
        KNOWN,
    )
    assert (effect,) == alone.limit_effects
    (of_all,) = told.limit_effects
    assert (of_all.excluded, of_all.would_leave) == (2, 2)
    assert of_all.nearest is not None
    assert (of_all.nearest.backbone, of_all.nearest.device) == ("A", "board")


def test_where_figures_are_missing_no_limit_is_to_blame() -> None:
    told = fleet(Constraints(max_latency_ms=20), pc={"A": 2}, board={"B": 3})
    assert (told.least_worst, told.limit_effects) == (None, ())


def test_of_a_backbone_that_nothing_measured_everywhere_only_the_miss_is_told() -> None:
    (effect,) = fleet(Constraints(max_latency_ms=20), pc={"A": 2}, board={"B": 30}).limit_effects
    assert (effect.excluded, effect.would_leave) == (1, 0)
    assert effect.nearest is not None
    assert effect.nearest.backbone == "B"


def test_of_another_kind_the_fastest_is_told() -> None:
    told = fleet(Constraints(series=("Z",)), pc={"A": 9, "B": 3}, board={"A": 4, "B": 5})
    (effect,) = told.limit_effects
    assert (effect.excluded, effect.would_leave, effect.over) == (2, 2, None)
    assert effect.nearest is not None
    assert effect.nearest.backbone == "B"


@given(
    devices=st.dictionaries(
        st.sampled_from(("pc", "board", "phone")),
        st.dictionaries(st.sampled_from("ABC"), st.floats(1, 50), min_size=1),
        min_size=1,
    ),
    most_ms=st.floats(1, 50),
    least_top1=st.sampled_from((60.0, 75.0, 79.0, 85.0)),
)
def test_without_a_limit_as_many_would_be_left_as_are_without_it(
    devices: dict[str, dict[str, float]], most_ms: float, least_top1: float
) -> None:
    both = Constraints(max_latency_ms=most_ms, min_top1=least_top1, by=Merit.LATENCY)
    told = fleet(both, **devices)
    for effect in told.limit_effects:
        assert told.least_worst is None
        is_of_latency = effect.criterion is Criterion.LATENCY
        alone = Constraints(
            max_latency_ms=None if is_of_latency else most_ms,
            min_top1=least_top1 if is_of_latency else None,
            by=Merit.LATENCY,
        )
        left = fleet(alone, **devices)
        count = left.tie_count + left.other_count + (left.least_worst is not None)
        # Who is the least on average is told beside them.
        is_told_apart = left.least_mean not in (None, left.least_worst, *left.ties)
        assert effect.would_leave == count + is_told_apart
