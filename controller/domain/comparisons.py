"""Whether B is faster or slower than A."""

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.selectors import Selector
from protos.reasons import Reason, ReasonCode

EQUIVALENCE_MARGIN: Final = 0.02
"""Medians whose ratio lies between 1 / 1.02 and 1.02 count as the same unless told otherwise."""


class Change(Enum):
    """What B is, beside A."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    CANNOT_TELL = "cannot_tell"


class LimitsInvalid(EdgerankError):
    """Margin and threshold of a comparison cannot hold; the message says what would."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_INPUT, message)


class ThresholdWithinMargin(LimitsInvalid):
    """What is to be a regression would count as the same.

    Attributes:
        threshold: what is to be a regression, as a fraction; a margin of it would hold.
    """

    def __init__(self, threshold: float, margin: float) -> None:
        super().__init__(
            f"{threshold * 100:g} % slower would be a regression and yet count as the same, "
            f"which is anything within {margin * 100:g} %"
        )
        self.threshold = threshold


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What counts as the same, and what as a regression, as fractions: 0.05 is 5 %.

    Attributes:
        equivalence_margin: a ratio from 1 / (1 + this) to 1 + this is the same.
        regression_threshold: slower by more than this is a regression; None when nothing was asked
            for.
        include_disturbed: whether pairs with a disturbed or throttled side are judged too.
        include_emulated: whether figures of emulated devices are compared.

    Raises:
        LimitsInvalid: a fraction below 0 or not finite, or a regression that counts as the same.
    """

    equivalence_margin: float = EQUIVALENCE_MARGIN
    regression_threshold: float | None = None
    include_disturbed: bool = False
    include_emulated: bool = False

    def __post_init__(self) -> None:
        threshold = self.regression_threshold
        for fraction in (self.equivalence_margin, threshold):
            if fraction is not None and not 0 <= fraction < math.inf:
                raise LimitsInvalid(
                    f"{fraction * 100:g} % is no limit of a comparison; write 0% or more"
                )
        if threshold is not None and threshold < self.equivalence_margin:
            raise ThresholdWithinMargin(threshold, self.equivalence_margin)


@dataclass(frozen=True, kw_only=True)
class CompareQuestion:
    """What is to be compared: measurements of one device, or of all."""

    a: Selector
    b: Selector
    device: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class ComparedPair:
    """The same thing measured in A and in B, and what became of it.

    The newest ok or wide measurement of each, or, where there is none, disturbed or throttled; the
    same are backbone, device, threads, cores, flushing of denormals, sustained minutes, precision,
    input size, batch and kind of weights, and, unless A and B name different runtimes, the runtime
    with its options. Where they name different backbones, these are compared at their own sizes.

    Attributes:
        a: the measurement of A, without raw samples.
        b: the measurement of B, without raw samples.
        change: what B is beside A.
        ratio: B's median latency over A's; 1.2 is 20 % slower.
        ratio_low: lower end of the 95 % interval of the ratio; None when a side has one repetition
            only.
        ratio_high: upper end of the same.
        is_regression: whether it is judged slower and `ratio_low` is above 1 +
            `regression_threshold`.
        undecided_by_verdict: whether it cannot be told only because a side is disturbed or
            throttled and such sides are not included.
        reason: why it cannot be told, or how it is known without measuring; else None.
    """

    a: Measurement
    b: Measurement
    change: Change
    ratio: float
    ratio_low: float | None = None
    ratio_high: float | None = None
    is_regression: bool = False
    undecided_by_verdict: bool = False
    reason: Reason | None = None


class Side(Enum):
    """Which of the two that are compared."""

    A = "a"
    B = "b"


@dataclass(frozen=True, kw_only=True)
class Unpaired:
    """What one side measured and the comparison leaves out, and why.

    Attributes:
        side: which of the two.
        measurement: what it measured, without raw samples.
        reasons: why it has no pair, those of its verdict included.
    """

    side: Side
    measurement: Measurement
    reasons: tuple[Reason, ...] = ()

    @property
    def is_alone(self) -> bool:
        """Whether the other side has no figure of the same."""
        return any(each.code is ReasonCode.WITHOUT_PARTNER for each in self.reasons)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether B is faster or slower than A, pair by pair.

    Attributes:
        a: what was compared with, as it was written.
        b: what is judged, as it was written.
        limits: what counts as the same, and what as a regression.
        pairs: by backbone, runtime and threads; empty when A and B measured nothing that is the
            same.
        left_out: what failed, was passed over, has no partner, or is of an emulated device.
    """

    a: str
    b: str
    limits: Limits
    pairs: tuple[ComparedPair, ...]
    left_out: tuple[Unpaired, ...]

    @property
    def not_judged(self) -> tuple[ComparedPair, ...]:
        """The pairs that may hide a regression; none where no threshold was given.

        What cannot be told is no regression where its interval ends below the threshold.
        """
        threshold = self.limits.regression_threshold
        if threshold is None:
            return ()
        return tuple(
            pair
            for pair in self.pairs
            if pair.change is Change.CANNOT_TELL
            and (
                pair.undecided_by_verdict
                or pair.ratio_high is None
                or pair.ratio_high > 1 + threshold
            )
        )

    @property
    def lost(self) -> tuple[Measurement, ...]:
        """What A has a figure of, and B has not."""
        return tuple(
            left.measurement
            for left in self.left_out
            if left.side is Side.A
            and any(r.code is ReasonCode.WITHOUT_PARTNER for r in left.reasons)
        )
