"""What a backbone would be measured at where it was not: with an interval, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from controller.domain.measurements import Verdict
from models.catalog.features import NetworkFeatures
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings

LEAST_MEASURED: Final = 8
"""How many measured backbones a prediction rests on at least."""

CONFIDENCE: Final = 0.9
"""Share of intervals that hold what is measured later, unless something else is asked for."""


class Figure(Enum):
    """What figures are of: what networks do costs other than what they hold."""

    LATENCY = "latency"
    MEMORY = "memory"


@dataclass(frozen=True, kw_only=True)
class KnownFigure:
    """What a backbone was measured at in the setting that is asked about.

    Attributes:
        backbone: its name.
        value: latency in ns or memory in bytes, above 0.
        spread: relative standard deviation of the value itself, of its own measuring; 0 is exact.
    """

    backbone: str
    value: float
    spread: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """How backbones do on another device, or in another setting of this one.

    Attributes:
        setting: its name, unique among those of a question.
        values: by backbone's name, in one unit, above 0.
    """

    setting: str
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class PredictionQuestion:
    """What is known, and of which backbones more is wanted.

    Attributes:
        known: measured in the setting asked about.
        wanted: names of backbones to predict; those that are known are left out.
        features: by backbone's name, of all that have any.
        elsewhere: how other devices and settings behave; may be empty.
        confidence: share of intervals that are to hold what will be measured, 0.5 to 0.99.
        figure: what the values are of.
    """

    known: Sequence[KnownFigure]
    wanted: Sequence[str]
    features: Mapping[str, NetworkFeatures]
    elsewhere: Sequence[Elsewhere] = ()
    confidence: float = CONFIDENCE
    figure: Figure = Figure.LATENCY


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What a backbone would be measured at.

    Attributes:
        backbone: its name.
        value: in the unit of the known figures.
        low: lower end of the interval.
        high: upper end of the interval.
        deviation: standard deviation of the logarithm of the value, as the model has it: what is
            to be measured next is chosen by it, the interval comes from left-out measurements.
        degrees: of freedom that the deviation is known with (Student's t), at least 1.
    """

    backbone: str
    value: float
    low: float
    high: float
    deviation: float
    degrees: int


@dataclass(frozen=True, kw_only=True)
class LogPrediction:
    """What a backbone would be measured at, as natural logarithms of the unit of the known figures.

    Attributes:
        median: of what would be measured.
        low: lower end of the interval.
        high: upper end of the interval.
        deviation: as that of `Predicted`: what is least sure has the largest.
        degrees: likewise.
    """

    median: float
    low: float
    high: float
    deviation: float
    degrees: int


class Unpredictable(Enum):
    """Why a backbone is not predicted."""

    FEW_MEASURED = "few_measured"
    """Fewer than `LEAST_MEASURED` backbones are known in this setting."""
    UNKNOWN_NETWORK = "unknown_network"
    """It has no features and was measured in no other setting."""
    FAR_AWAY = "far_away"
    """It is unlike everything that was measured: the answer would be extrapolated."""


@dataclass(frozen=True, kw_only=True)
class NotPredicted:
    """A backbone without prediction, and why."""

    backbone: str
    why: Unpredictable


@dataclass(frozen=True, kw_only=True)
class LeftOutErrors:
    """How far off predictions are of known figures, each made without the figure itself.

    Attributes:
        count: known figures that were left out, one at a time.
        median: median relative error, a fraction.
        mean: mean relative error, a fraction.
        within_5_percent: share of predictions off by at most 5 %.
        within_10_percent: share of predictions off by at most 10 %.
    """

    count: int
    median: float
    mean: float
    within_5_percent: float
    within_10_percent: float


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """What a latency was predicted to be before it was measured.

    Attributes:
        median_ms: ms.
        low_ms: lower end of its interval, ms.
        high_ms: upper end of it, ms.
        confidence: share of such intervals that were to hold what is measured later.
        known_count: how many backbones were measured in the setting when it was predicted.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    confidence: float
    known_count: int


@dataclass(frozen=True, kw_only=True)
class MeasuredLater:
    """A job that something was predicted of before it was measured, and nothing disturbed it.

    Attributes:
        backbone: of what.
        foretold: what was predicted.
        median_ms: what was measured, ms.
        verdict: of the measurement.
        settings: how it was measured.
        precision: of its artifact.
        target: what its artifact is made for.
        input_size: of the images.
        batch: images per inference.
        emulator: what computes in the device's place; empty is nothing.
    """

    backbone: str
    foretold: Foretold
    median_ms: float
    verdict: Verdict
    settings: MeasureSettings
    precision: Precision
    target: Target
    input_size: ImageSize
    batch: int
    emulator: str


@dataclass(frozen=True, kw_only=True)
class JudgedPrediction:
    """A prediction beside what was measured later.

    Attributes:
        backbone: of which.
        predicted_ms: the median latency that was predicted.
        measured_ms: the median that was measured.
    """

    backbone: str
    predicted_ms: float
    measured_ms: float

    @property
    def error(self) -> float:
        """How far off it was, a fraction of what was measured."""
        return abs(self.predicted_ms / self.measured_ms - 1)


@dataclass(frozen=True, kw_only=True)
class EarlierErrors:
    """How far off earlier predictions of latency were, each made before its backbone was measured.

    Attributes:
        count: earlier predictions of which the backbone was measured since.
        median: median relative error, a fraction.
        mean: mean relative error, a fraction.
        within_interval: share of what was measured that lies within the interval predicted.
        promised: share that was to lie there.
        least_known: the fewest backbones that were measured in the setting when one was made.
        most_known: the most.
        worst: the one that was farthest off.
    """

    count: int
    median: float
    mean: float
    within_interval: float
    promised: float
    least_known: int
    most_known: int
    worst: JudgedPrediction


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What is predicted, what is not, and what it rests on.

    Attributes:
        predicted: in the order in which they were wanted.
        not_predicted: likewise.
        rests_on: names of the known backbones that the model is made of.
        settings: names of the other settings that it learned from.
        errors: of the same model on what is known; None where too few are.
    """

    predicted: tuple[Predicted, ...] = ()
    not_predicted: tuple[NotPredicted, ...] = ()
    rests_on: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    errors: LeftOutErrors | None = field(default=None)
