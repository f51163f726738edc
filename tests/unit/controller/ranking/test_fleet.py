"""Which one backbone is best for several devices, and what each of them loses by it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MemoryFigures
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.fleet import MOST_CHOICES, FleetRanking, check_shares
from controller.ranking.fleet import DeviceFigures, rank_fleet
from controller.ranking.ranking import rank
from models.catalog.catalog import IMAGENET, Catalog
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import backbone, measurement

FASTEST = Constraints(by=Merit.LATENCY)
EMPTY = Catalog([])


def _on(device: str, *measurements: Measurement, share: float = 1.0) -> DeviceFigures:
    return DeviceFigures(device=device, measurements=measurements, share=share)


def _of(device: str, latencies_ms: Mapping[str, float], half_width: float = 0.001) -> DeviceFigures:
    return _on(
        device,
        *(
            measurement(name, median, half_width * median, device=device)
            for name, median in latencies_ms.items()
        ),
    )


def _rank(*devices: DeviceFigures, within: Constraints = FASTEST) -> FleetRanking:
    return rank_fleet(devices, within, EMPTY, IMAGENET)


def test_the_winner_loses_least_where_it_loses_most() -> None:
    ranking = _rank(
        _of("pc", {"A": 10, "B": 12, "C": 11}), _of("board", {"A": 200, "B": 100, "C": 130})
    )
    first = ranking.least_worst
    assert first is not None
    # A loses 100 % on the board, B 20 % on the pc, C 30 % on the board.
    assert (first.backbone, first.worst_device) == ("B", "pc")
    assert first.worst_regret == pytest.approx(0.2)
    assert [each.backbone for each in ranking.others] == ["C", "A"]
    best = {each.device: each.best.backbone for each in ranking.places if each.best}
    assert best == {"pc": "A", "board": "B"}


def test_shares_say_how_much_a_device_counts_on_average() -> None:
    pc = _of("pc", {"A": 10, "B": 12})
    board = _of("board", {"A": 150, "B": 100})
    even = _rank(pc, board)
    assert even.least_mean
    assert even.least_mean.backbone == "B"
    mostly_pc = _rank(DeviceFigures(device="pc", measurements=pc.measurements, share=9), board)
    assert mostly_pc.least_mean
    assert mostly_pc.least_mean.backbone == "A"
    assert mostly_pc.least_mean.mean_regret == pytest.approx(0.1 * 0.5)
    assert [each.share for each in mostly_pc.places] == pytest.approx([0.9, 0.1])
    # The worst device does not care how many there are of it.
    assert mostly_pc.least_worst
    assert mostly_pc.least_worst.backbone == "B"


def test_each_device_runs_a_backbone_in_the_setting_that_is_best_there() -> None:
    pc = _on(
        "pc",
        measurement("A", 10, device="pc"),
        measurement("A", 5, device="pc", runtime=Runtime.PADDLELITE, threads=2),
    )
    ranking = _rank(pc, _of("board", {"A": 20}))
    assert ranking.least_worst
    on_pc, on_board = (each.measurement for each in ranking.least_worst.on_devices)
    assert (on_pc.runtime, on_pc.threads) == (Runtime.PADDLELITE, 2)
    assert (on_board.runtime, on_board.threads) == (Runtime.ONNXRUNTIME, 1)


def test_a_backbone_that_fails_a_limit_on_one_device_is_not_for_all() -> None:
    within = Constraints(max_latency_ms=50, by=Merit.LATENCY)
    ranking = _rank(_of("pc", {"A": 10, "B": 12}), _of("board", {"A": 200, "B": 40}), within=within)
    assert ranking.least_worst
    assert ranking.least_worst.backbone == "B"
    (incomplete,) = ranking.incomplete
    assert (incomplete.backbone, incomplete.excluded_on) == ("A", ("board",))
    assert ranking.suggested_sweep is None


def test_what_was_not_measured_everywhere_is_told_with_the_sweep_that_would() -> None:
    ranking = rank_fleet(
        [_of("pc", {"A": 10, "B": 12}), _of("board", {"A": 200})],
        FASTEST,
        Catalog([backbone("A"), backbone("B")]),
        IMAGENET,
    )
    assert ranking.least_worst
    assert ranking.least_worst.backbone == "A"
    (incomplete,) = ranking.incomplete
    assert incomplete.unmeasured_on == ("board",)
    assert ranking.suggested_sweep
    assert ranking.suggested_sweep.backbones == ("B",)
    assert ranking.suggested_sweep.devices == ("board",)


def test_a_device_without_figures_does_not_decide_and_is_told() -> None:
    ranking = _rank(_of("pc", {"A": 10}), _on("new"))
    assert ranking.without_figures == ("new",)
    assert ranking.least_worst
    assert ranking.least_worst.backbone == "A"
    assert [each.share for each in ranking.places] == [1.0]


def test_an_emulated_device_takes_no_part_unless_asked() -> None:
    emulated = _on("qemu", measurement("A", 900, device="qemu", emulator="qemu-user"))
    assert _rank(_of("pc", {"A": 10}), emulated).without_figures == ("qemu",)
    asked = Constraints(by=Merit.LATENCY, include_emulated=True)
    assert len(_rank(_of("pc", {"A": 10}), emulated, within=asked).places) == 2


def test_where_nothing_qualifies_on_one_device_there_is_no_winner() -> None:
    within = Constraints(max_latency_ms=50, by=Merit.LATENCY)
    ranking = _rank(_of("pc", {"A": 10}), _of("board", {"A": 200}), within=within)
    assert ranking.least_worst is None
    assert ranking.least_mean is None
    assert [(each.device, each.best is None) for each in ranking.places] == [
        ("pc", False),
        ("board", True),
    ]


def test_wide_intervals_tie() -> None:
    pc = _of("pc", {"A": 10, "B": 10.5, "C": 30}, half_width=0.1)
    ranking = _rank(pc, _of("board", {"A": 100, "B": 104, "C": 300}, half_width=0.1))
    assert [each.backbone for each in ranking.ties] == ["B"]
    assert [each.backbone for each in ranking.others] == ["C"]


def test_by_accuracy_regrets_are_points_of_top1() -> None:
    within = Constraints(max_latency_ms=100)
    fast = measurement("Small", 10, top1=70, device="pc")
    slow = measurement("Large", 90, top1=80, device="pc")
    on_board = measurement("Small", 60, top1=70, device="board")
    ranking = _rank(_on("pc", fast, slow), _on("board", on_board), within=within)
    assert ranking.merit is Merit.ACCURACY
    assert ranking.least_worst
    assert ranking.least_worst.backbone == "Small"
    assert ranking.least_worst.worst_regret == pytest.approx(10)


def test_memory_counts_by_its_peak_as_on_one_device() -> None:
    def of(peak: int, least: int) -> MemoryFigures:
        return MemoryFigures(
            peak_rss_bytes=peak * 10**6, least_peak_rss_bytes=least * 10**6, baseline_rss_bytes=1
        )

    pc = _on(
        "pc",
        measurement("A", device="pc", memory=of(60, 30)),
        measurement("B", device="pc", memory=of(41, 40)),
    )
    ranking = _rank(pc, within=Constraints(by=Merit.MEMORY))
    assert ranking.least_worst
    assert ranking.least_worst.backbone == "B"
    # Of A's processes one needed less.
    assert [each.backbone for each in ranking.ties] == ["A"]


def test_the_same_accuracy_ties_only_where_latencies_overlap() -> None:
    within = Constraints(max_latency_ms=100)
    fast, slow = (measurement(name, ms, top1=70, device="pc") for name, ms in (("A", 5), ("B", 18)))
    ranking = _rank(_on("pc", fast, slow), within=within)
    assert ranking.ties == ()


def test_many_choices_are_counted_and_the_first_shown() -> None:
    latencies = {f"N{number:02}": 10.0 + number for number in range(30)}
    ranking = _rank(_of("pc", latencies), _of("board", latencies))
    assert ranking.other_count == 29
    assert len(ranking.others) == MOST_CHOICES


@pytest.mark.parametrize("share", [0, -1, float("nan"), float("inf")])
def test_a_share_is_above_zero(share: float) -> None:
    with pytest.raises(EdgerankError) as caught:
        check_shares({"pc": share})
    assert caught.value.code is ErrorCode.INVALID_INPUT


@st.composite
def _memory(draw: st.DrawFn) -> MemoryFigures:
    peak = draw(st.integers(0, 100_000_000))
    least = draw(st.integers(0, peak))
    return MemoryFigures(peak_rss_bytes=peak, least_peak_rss_bytes=least, baseline_rss_bytes=1)


_MEMORY = _memory()


@st.composite
def _fleets(draw: st.DrawFn) -> list[DeviceFigures]:
    names = draw(st.lists(st.sampled_from("ABCDEF"), min_size=1, unique=True))
    devices = [f"d{place}" for place in range(draw(st.integers(1, 4)))]
    number = st.floats(0.5, 500, allow_nan=False)
    return [
        _on(
            device,
            *(
                measurement(name, draw(number), 0.01, top1=draw(st.floats(40, 90)), device=device)
                for name in draw(st.lists(st.sampled_from(names), unique=True))
            ),
            share=draw(st.floats(0.1, 10)),
        )
        for device in devices
    ]


@given(_fleets(), st.sampled_from(Merit))
def test_regrets_are_what_their_definition_says(devices: list[DeviceFigures], by: Merit) -> None:
    within = Constraints(by=by)
    ranking = _rank(*devices, within=within)
    with_figures = [each for each in devices if each.measurements]
    assert set(ranking.without_figures) == {d.device for d in devices if not d.measurements}
    everywhere = set.intersection(
        *({m.backbone for m in each.measurements} for each in with_figures), set("ABCDEF")
    )
    found = [*filter(None, [ranking.least_worst]), *ranking.ties, *ranking.others]
    assert {each.backbone for each in found} <= everywhere
    assert bool(found) == bool(everywhere and with_figures)
    for choice in found:
        for each in choice.on_devices:
            assert 0 <= each.regret_low <= each.regret + 1e-9
            assert each.regret <= each.regret_high + 1e-9
        assert choice.worst_regret == max(each.regret for each in choice.on_devices)
        assert choice.mean_regret <= choice.worst_regret + 1e-9
        assert ranking.least_worst
        assert ranking.least_worst.worst_regret <= choice.worst_regret + 1e-8
        assert ranking.least_mean
        assert ranking.least_mean.mean_regret <= choice.mean_regret + 1e-8


@given(_fleets(), st.sampled_from(Merit))
def test_a_fleet_of_one_has_the_winner_of_its_device(
    devices: list[DeviceFigures], by: Merit
) -> None:
    within = Constraints(by=by)
    one = devices[0]
    alone = rank(one.device, one.measurements, within, EMPTY)
    ranking = _rank(one, within=within)
    (place,) = ranking.places or (None,)
    best = None if place is None or place.best is None else place.best
    assert best == (alone.winner.measurement if alone.winner else None)
    first = ranking.least_worst
    assert (first and first.backbone) == (best and best.backbone)
