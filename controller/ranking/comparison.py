"""Whether B is faster or slower than A, pair by pair: pure functions of their measurements.

A pair is the same backbone, device, thread count, cores, flushing of denormals, sustained time,
precision, input size, batch size and kind of weights, and, unless runtimes are what is compared,
the same runtime with the same options. Where backbones are what is compared, each at the size that
its accuracy is of, or both at the same other one.
"""

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Final

from controller.domain.comparisons import Change, ComparedPair, Comparison, Limits, Side, Unpaired
from controller.domain.measurements import (
    LatencyFigures,
    Measurement,
)
from controller.domain.rankings import DOUBTFUL, Constraints, LeftOut
from controller.domain.selectors import Selector
from controller.figures.statistics import MedianRatio, median_ratio
from controller.ranking.distinction import common_distinction, distinction
from controller.ranking.entries import choose_newest, order_of, set_emulated_aside
from protos.inputs import ImageSize
from protos.reasons import Reason, ReasonCode, reason

FEWEST_REPETITIONS: Final = 2
"""With one process a side, nothing tells how another one would have run."""


def compare(
    a: Selector,
    b: Selector,
    in_a: Iterable[Measurement],
    in_b: Iterable[Measurement],
    limits: Limits,
) -> Comparison:
    """Pair the newest measurement of A with that of B, and judge every pair.

    A disturbed or throttled one counts where a side has nothing better of the same.

    Runtimes, or backbones, are what is compared when both selectors name one and not the same.

    Args:
        a: what is compared with.
        b: what is judged.
        in_a: measurements among which A selects, oldest first.
        in_b: the same for B.
        limits: what counts as the same, and what as a regression.
    """
    across = None not in (a.runtime, b.runtime) and a.runtime is not b.runtime

    of_backbones = None not in (a.backbone, b.backbone) and a.backbone != b.backbone

    def identity(m: Measurement) -> Hashable:
        variant = _own_or_other_size(m) if of_backbones else (m.backbone, m.input_size)
        same = (variant, m.device, m.threads, m.precision, m.batch, m.weights)
        if across:
            return (*same, common_distinction(m))
        return (*same, m.runtime, m.format, distinction(m))

    preference = Constraints().preference
    parting = partial(set_emulated_aside, include_emulated=limits.include_emulated)
    parted_a, parted_b = parting(filter(a.selects, in_a)), parting(filter(b.selects, in_b))
    of_a, failed_in_a = choose_newest(parted_a.kept, identity, preference)
    of_b, failed_in_b = choose_newest(parted_b.kept, identity, preference)
    pairs = [compare_pair(of_a[key], of_b[key], limits) for key in of_a if key in of_b]
    left_out = [
        *_passed_over(Side.A, (*failed_in_a, *parted_a.left_out)),
        *_passed_over(Side.B, (*failed_in_b, *parted_b.left_out)),
        *_alone(Side.A, of_a, of_b),
        *_alone(Side.B, of_b, of_a),
    ]
    pairs.sort(key=lambda pair: (order_of(pair.a), pair.a.device))
    left_out.sort(key=lambda left: (order_of(left.measurement), left.side.value))
    return Comparison(
        a=a.text, b=b.text, limits=limits, pairs=tuple(pairs), left_out=tuple(left_out)
    )


def compare_pair(a: Measurement, b: Measurement, limits: Limits) -> ComparedPair:
    """Judge two measurements that have figures, by `statistics.median_ratio`.

    - same: the whole interval lies within the margin, on both sides of 1.
    - slower, faster: it lies above 1, or below, and not within the margin.
    - cannot tell: all else; what was measured by one process only; and, unless the limits include
      it, a pair with a disturbed or throttled side, as what made it so may also have moved its
      median. A wide side is no such: the ratio's interval carries how wide it is.

    A regression is slower by more than the threshold at the interval's lower end.
    """
    figures_a, figures_b = _figures(a), _figures(b)
    found = median_ratio(figures_b, reference=figures_a)
    if a.measurement_id == b.measurement_id:
        return ComparedPair(
            a=a,
            b=b,
            change=Change.SAME,
            ratio=1,
            ratio_low=1,
            ratio_high=1,
            reason=reason(ReasonCode.SAME_MEASUREMENT),
        )
    for code, figures in (
        (ReasonCode.ONE_REPETITION_IN_A, figures_a),
        (ReasonCode.ONE_REPETITION_IN_B, figures_b),
    ):
        if figures.repetition_count < FEWEST_REPETITIONS:
            return ComparedPair(
                a=a,
                b=b,
                change=Change.CANNOT_TELL,
                ratio=found.ratio,
                ratio_low=None,
                ratio_high=None,
                reason=reason(code, fewest=FEWEST_REPETITIONS),
            )
    is_doubtful = a.verdict in DOUBTFUL or b.verdict in DOUBTFUL
    by_verdict = is_doubtful and not limits.include_disturbed
    change = Change.CANNOT_TELL if by_verdict else _change(found, limits.equivalence_margin)
    threshold = limits.regression_threshold
    return ComparedPair(
        a=a,
        b=b,
        change=change,
        ratio=found.ratio,
        ratio_low=found.low,
        ratio_high=found.high,
        is_regression=change is Change.SLOWER
        and threshold is not None
        and found.low > 1 + threshold,
        undecided_by_verdict=by_verdict,
        reason=_why_untold(a, b, limits, by_verdict) if change is Change.CANNOT_TELL else None,
    )


def _change(found: MedianRatio, margin: float) -> Change:
    # The lower end of the margin is the reciprocal: exchanging A and B exchanges the answer.
    if found.low * (1 + margin) >= 1 and found.high <= 1 + margin:
        return Change.SAME
    if found.low > 1:
        return Change.SLOWER
    return Change.FASTER if found.high < 1 else Change.CANNOT_TELL


def _why_untold(a: Measurement, b: Measurement, limits: Limits, by_verdict: bool) -> Reason:
    if by_verdict:
        sides = {"a": a.verdict, "b": b.verdict}
        words = {side: found.value for side, found in sides.items() if found in DOUBTFUL}
        return reason(ReasonCode.SIDES_IN_DOUBT, words)
    return reason(ReasonCode.INTERVAL_HOLDS_ONE, margin=limits.equivalence_margin)


def _figures(measurement: Measurement) -> LatencyFigures:
    # Only measurements with figures are paired.
    assert measurement.latency is not None
    return measurement.latency


def _own_or_other_size(m: Measurement) -> ImageSize | None:
    """Return the size of the inputs where it is another than the accuracy's, else None."""
    return None if m.accuracy_input_size in (None, m.input_size) else m.input_size


def _passed_over(side: Side, left_out: Iterable[LeftOut]) -> list[Unpaired]:
    return [
        Unpaired(side=side, measurement=left.measurement, reasons=left.reasons) for left in left_out
    ]


def _alone(
    side: Side, own: Mapping[Hashable, Measurement], others: Mapping[Hashable, Measurement]
) -> list[Unpaired]:
    why = (reason(ReasonCode.WITHOUT_PARTNER),)
    return [
        Unpaired(side=side, measurement=measurement, reasons=why)
        for key, measurement in own.items()
        if key not in others
    ]
