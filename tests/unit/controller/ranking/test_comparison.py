"""What `compare` says of a pair, and which measurements it pairs."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.comparisons import (
    Change,
    ComparedPair,
    Comparison,
    Limits,
    LimitsInvalid,
    Side,
    ThresholdWithinMargin,
)
from controller.domain.measurements import Measurement, Verdict
from controller.domain.selectors import Selector, parse_selector
from controller.ranking.comparison import compare, compare_pair
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import failed, figures, measurement
from tests.unit.controller.samples.reasons import CRASHED, OLDER_COUNTS

A, B = parse_selector("s1"), parse_selector("s2")
OPPOSITE = {
    Change.FASTER: Change.SLOWER,
    Change.SLOWER: Change.FASTER,
    Change.SAME: Change.SAME,
    Change.CANNOT_TELL: Change.CANNOT_TELL,
}
ALONE = reason(ReasonCode.WITHOUT_PARTNER)
FIVE_PERCENT = Limits(regression_threshold=0.05)


def _a(median_ms: float = 10, half_width_ms: float = 0.05, **changes: Any) -> Measurement:
    return measurement("Net", median_ms, half_width_ms, measurement_id="a", **changes)


def _b(median_ms: float = 10, half_width_ms: float = 0.05, **changes: Any) -> Measurement:
    return measurement("Net", median_ms, half_width_ms, measurement_id="b", **changes)


def _compared(a: Measurement, b: Measurement, **limits: Any) -> ComparedPair:
    return compare_pair(a, b, Limits(**limits))


_measured = st.builds(
    lambda median_ms, reach: (median_ms, median_ms * reach),
    st.floats(0.01, 1e4),
    st.floats(0, 0.5),
)


class TestVerdict:
    def test_equal_medians_of_narrow_intervals_are_the_same(self) -> None:
        found = _compared(_a(), _b())
        assert (found.change, found.ratio, found.reason) == (Change.SAME, 1, None)
        assert found.ratio_low is not None
        assert found.ratio_low < 1

    def test_a_fifth_more_is_slower_and_exchanged_is_faster(self) -> None:
        slower, faster = _compared(_a(), _b(12)), _compared(_b(12), _a())
        assert slower.change is Change.SLOWER
        assert slower.ratio == pytest.approx(1.2)
        assert faster.change is Change.FASTER

    def test_a_difference_that_is_sure_and_tiny_is_the_same(self) -> None:
        a, b = _a(half_width_ms=0.01), _b(10.1, 0.01)
        found = _compared(a, b)
        assert found.ratio_low is not None
        assert found.ratio_low > 1
        assert found.change is Change.SAME
        assert _compared(a, b, equivalence_margin=0.001).change is Change.SLOWER

    def test_wide_intervals_leave_it_open(self) -> None:
        found = _compared(_a(half_width_ms=0.5), _b(10.3, 0.5))
        assert found.change is Change.CANNOT_TELL
        assert found.reason == reason(ReasonCode.INTERVAL_HOLDS_ONE, margin=0.02)
        assert not found.undecided_by_verdict

    def test_one_process_tells_nothing_of_another(self) -> None:
        once = replace(figures(12), repetition_count=1)
        found = _compared(_a(), _b(latency=once))
        assert found.change is Change.CANNOT_TELL
        assert found.ratio == pytest.approx(1.2)
        assert (found.ratio_low, found.ratio_high) == (None, None)
        assert found.reason == reason(ReasonCode.ONE_REPETITION_IN_B, fewest=2)
        found = _compared(_a(latency=once), _b())
        assert found.change is Change.CANNOT_TELL
        assert found.reason == reason(ReasonCode.ONE_REPETITION_IN_A, fewest=2)

    @pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.WIDE, Verdict.DISTURBED])
    def test_a_measurement_beside_itself_is_the_same_and_says_why(self, verdict: Verdict) -> None:
        found = _compared(_a(half_width_ms=3, verdict=verdict), _a(half_width_ms=3))
        assert found.change is Change.SAME
        assert (found.ratio, found.ratio_low, found.ratio_high) == (1, 1, 1)
        assert found.reason == reason(ReasonCode.SAME_MEASUREMENT)

    @given(_measured, _measured)
    def test_exchanging_a_and_b_gives_the_reciprocal_and_the_opposite(
        self, a: tuple[float, float], b: tuple[float, float]
    ) -> None:
        there, back = _compared(_a(*a), _b(*b)), _compared(_b(*b), _a(*a))
        assert there.ratio_low is not None
        assert there.ratio_high is not None
        assert (back.ratio, back.ratio_low, back.ratio_high) == pytest.approx(
            (1 / there.ratio, 1 / there.ratio_high, 1 / there.ratio_low), rel=1e-9
        )
        assert there.ratio_low <= there.ratio <= there.ratio_high
        assert back.change is OPPOSITE[there.change]


class TestDoubt:
    @pytest.mark.parametrize(
        ("a", "b", "sides"),
        [
            (Verdict.DISTURBED, Verdict.OK, {"a": "disturbed"}),
            (Verdict.OK, Verdict.DISTURBED, {"b": "disturbed"}),
            (Verdict.WIDE, Verdict.THROTTLED, {"b": "throttled"}),
            (Verdict.THROTTLED, Verdict.THROTTLED, {"a": "throttled", "b": "throttled"}),
            (Verdict.DISTURBED, Verdict.THROTTLED, {"a": "disturbed", "b": "throttled"}),
        ],
    )
    def test_a_biased_side_leaves_it_open_unless_included(
        self, a: Verdict, b: Verdict, sides: dict[str, str]
    ) -> None:
        pair = _a(verdict=a), _b(16, verdict=b)
        found = compare_pair(*pair, FIVE_PERCENT)
        assert (found.change, found.undecided_by_verdict) == (Change.CANNOT_TELL, True)
        assert not found.is_regression
        assert found.ratio_low is not None
        assert found.ratio_low > 1.5
        assert found.reason == reason(ReasonCode.SIDES_IN_DOUBT, sides)
        included = compare_pair(*pair, replace(FIVE_PERCENT, include_disturbed=True))
        assert (included.change, included.undecided_by_verdict) == (Change.SLOWER, False)
        assert included.is_regression

    def test_what_is_clear_of_the_margin_is_told_however_wide_its_sides_are(self) -> None:
        found = compare_pair(
            _a(5.07, 0.2, verdict=Verdict.WIDE), _b(28.5, 0.4, verdict=Verdict.WIDE), FIVE_PERCENT
        )
        assert (found.change, found.is_regression) == (Change.SLOWER, True)
        assert found.reason is None

    @given(_measured, _measured)
    def test_a_wide_side_changes_no_answer(
        self, a: tuple[float, float], b: tuple[float, float]
    ) -> None:
        found = compare_pair(_a(*a), _b(*b), FIVE_PERCENT)
        wide = compare_pair(
            _a(*a, verdict=Verdict.WIDE), _b(*b, verdict=Verdict.WIDE), FIVE_PERCENT
        )
        assert (wide.change, wide.is_regression) == (found.change, found.is_regression)

    @given(_measured, _measured, st.floats(0.02, 2), st.booleans())
    def test_a_biased_side_never_makes_a_regression_by_itself(
        self, a: tuple[float, float], b: tuple[float, float], threshold: float, is_of_a: bool
    ) -> None:
        verdicts = [Verdict.DISTURBED, Verdict.OK] if is_of_a else [Verdict.OK, Verdict.DISTURBED]
        sides = _a(*a, verdict=verdicts[0]), _b(*b, verdict=verdicts[1])
        assert not _compared(*sides, regression_threshold=threshold).is_regression


class TestRegression:
    def test_it_is_slower_than_the_threshold_by_the_whole_interval(self) -> None:
        assert _compared(_a(), _b(12), regression_threshold=0.05).is_regression
        assert not _compared(_a(), _b(12), regression_threshold=0.195).is_regression
        assert not _compared(_a(), _b(12)).is_regression
        assert not _compared(_b(12), _a(), regression_threshold=0.05).is_regression

    def test_a_wide_interval_is_none(self) -> None:
        a, b = _a(half_width_ms=1), _b(12, 1.5)
        assert not _compared(a, b, regression_threshold=0.05).is_regression

    @pytest.mark.parametrize("fraction", [-0.01, float("nan"), float("inf")])
    def test_a_limit_that_is_none_is_refused(self, fraction: float) -> None:
        with pytest.raises(LimitsInvalid, match="write 0%"):
            Limits(equivalence_margin=fraction)
        with pytest.raises(LimitsInvalid, match="write 0%"):
            Limits(regression_threshold=fraction)

    def test_what_counts_as_the_same_is_no_regression(self) -> None:
        with pytest.raises(ThresholdWithinMargin) as refused:
            Limits(regression_threshold=0.01)
        assert refused.value.threshold == 0.01
        assert Limits(regression_threshold=0.01, equivalence_margin=0.01)


def _paired(a: Selector, b: Selector, measured: list[Measurement]) -> Comparison:
    return compare(a, b, measured, measured, Limits())


def _ids(found: Comparison) -> list[tuple[str, str]]:
    return [(pair.a.measurement_id, pair.b.measurement_id) for pair in found.pairs]


def _left_out(found: Comparison) -> list[tuple[Side, str, tuple[Reason, ...]]]:
    return [(left.side, left.measurement.measurement_id, left.reasons) for left in found.left_out]


def _in(sweep_id: str, name: str = "Net", **changes: Any) -> Measurement:
    fields: dict[str, Any] = {"sweep_id": sweep_id, "measurement_id": f"{sweep_id}-{name}"}
    return measurement(name, **(fields | changes))


class TestNotJudged:
    @pytest.mark.parametrize(
        ("a", "b", "is_judged"),
        [
            (_a(), _b(), True),
            (_a(), _b(12), True),
            (_a(), _b(12, verdict=Verdict.WIDE), True),
            (_a(), _b(12, verdict=Verdict.DISTURBED), False),
            (_a(), _b(latency=replace(figures(10), repetition_count=1)), False),
            # What it reaches to decides, not that it holds 1.
            (_a(half_width_ms=0.2), _b(10.0, 0.2), True),
            (_a(half_width_ms=0.5), _b(10.3, 0.5), False),
        ],
    )
    def test_a_pair_is_judged_when_it_is_known_whether_it_regressed(
        self, a: Measurement, b: Measurement, is_judged: bool
    ) -> None:
        pair = compare_pair(a, b, FIVE_PERCENT)
        found = Comparison(a="s1", b="s2", limits=FIVE_PERCENT, pairs=(pair,), left_out=())
        assert found.not_judged == (() if is_judged else (pair,))
        assert replace(found, limits=Limits()).not_judged == ()

    def test_what_only_a_has_is_lost_and_what_only_b_has_is_not(self) -> None:
        found = _paired(A, B, [_in("s1", "Gone"), _in("s1"), _in("s2"), _in("s2", "New")])
        assert [lost.backbone for lost in found.lost] == ["Gone"]
        assert _left_out(found) == [
            (Side.A, "s1-Gone", (ALONE,)),
            (Side.B, "s2-New", (ALONE,)),
        ]
        assert all(left.is_alone for left in found.left_out)


class TestPairs:
    @pytest.mark.parametrize(
        "other",
        [
            {"name": "Other"},
            {"device": "phone"},
            {"threads": 2},
            {"precision": Precision.INT8_DYNAMIC},
            {"input_size": square(288)},
            {"batch": 8},
            {"weights": WeightsKind.SYNTHETIC},
            {"runtime": Runtime.PADDLELITE},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_only_the_same_thing_is_compared(self, other: dict[str, Any]) -> None:
        found = _paired(A, B, [_in("s1"), _in("s2", **other)])
        assert found.pairs == ()
        assert len(found.left_out) == 2
        assert {left.side: left.reasons for left in found.left_out} == {
            Side.A: (ALONE,),
            Side.B: (ALONE,),
        }
        assert _ids(_paired(A, B, [_in("s1"), _in("s2")])) == [("s1-Net", "s2-Net")]

    def test_runtimes_are_compared_when_each_side_names_another(self) -> None:
        measured = [
            _in("s1", measurement_id="ort", runtime=Runtime.ONNXRUNTIME),
            _in("s1", measurement_id="lite", runtime=Runtime.PADDLELITE),
        ]
        ort, lite = parse_selector("runtime:onnxruntime"), parse_selector("version:paddlelite=2.13")
        assert _ids(_paired(ort, lite, measured)) == []
        lite = parse_selector("version:paddlelite=2.13rc0")
        assert _ids(_paired(ort, lite, measured)) == [("ort", "lite")]
        assert _ids(_paired(ort, A, measured)) == [("ort", "ort")]

    def test_the_last_with_figures_counts_and_a_later_failure_is_told(self) -> None:
        measured = [
            _in("s1", measurement_id="old", measured_at_unix_ms=9),
            _in("s1", measurement_id="new", measured_at_unix_ms=2, verdict=Verdict.WIDE),
            _in("s1", measurement_id="hot", measured_at_unix_ms=3, verdict=Verdict.THROTTLED),
            _in("s2"),
        ]
        found = _paired(A, B, measured)
        assert _ids(found) == [("new", "s2-Net")]
        assert _left_out(found) == [(Side.A, "hot", (OLDER_COUNTS,))]
        assert not found.lost

    def test_what_failed_on_one_side_is_never_silent(self) -> None:
        found = _paired(A, B, [_in("s1"), failed("Net", sweep_id="s2")])
        assert found.pairs == ()
        assert _left_out(found) == [
            (Side.B, "Net-failed", (CRASHED,)),
            (Side.A, "s1-Net", (ALONE,)),
        ]
        assert [left.is_alone for left in found.left_out] == [False, True]

    @given(st.permutations([_in(s, name) for s in ("s1", "s2") for name in ("X", "Y", "Z")]))
    def test_the_order_of_measurements_does_not_matter(self, measured: list[Measurement]) -> None:
        assert _ids(_paired(A, B, measured)) == [
            ("s1-X", "s2-X"),
            ("s1-Y", "s2-Y"),
            ("s1-Z", "s2-Z"),
        ]
