"""What stands beside a ranking and was not measured on its device: predicted, and published."""

from dataclasses import dataclass
from enum import Enum

from controller.domain.rankings import Ranking
from controller.domain.rankings.limits import Criterion
from controller.domain.rankings.predicted import PredictedFigure
from controller.domain.rankings.predictions import EarlierErrors, LeftOutErrors
from controller.domain.sweeps import SweepSpec
from models.catalog.published import PublishedLatency
from protos.runtimes import Runtime


class Prospect(Enum):
    """What a backbone would be, if a measurement gave the figure that it is offered with."""

    WINNER = "winner"
    """It would be chosen before what is measured."""
    FRONT = "front"
    """Nothing measured would beat it in both top-1 and latency."""
    PERHAPS = "perhaps"
    """Either, by the better end of its interval only."""


@dataclass(frozen=True, kw_only=True)
class PredictedCandidate:
    """A backbone that was not measured in a setting, and might be better there.

    Attributes:
        backbone: its name.
        runtime: of the setting.
        threads: of the setting.
        prospect: what it would be by its figure.
        latency_ms: predicted, with its interval.
        peak_rss_bytes: likewise; None where it cannot be told.
        top1: published, percent; None where none is.
    """

    backbone: str
    runtime: Runtime
    threads: int
    prospect: Prospect
    latency_ms: PredictedFigure
    peak_rss_bytes: PredictedFigure | None = None
    top1: float | None = None


@dataclass(frozen=True, kw_only=True)
class PredictionBasis:
    """What the predictions of one setting are made of, and how far off such are.

    Attributes:
        runtime: of the setting.
        threads: of the setting.
        rests_on: backbones that were measured in it.
        settings: other devices and settings that they learned from.
        latency_errors: of what was measured, each predicted without itself; None of too little.
        memory_errors: likewise.
        earlier_errors: of predictions of latency that were made before it was measured; None where
            no such was measured yet.
    """

    runtime: Runtime
    threads: int
    rests_on: tuple[str, ...]
    settings: tuple[str, ...] = ()
    latency_errors: LeftOutErrors | None = None
    memory_errors: LeftOutErrors | None = None
    earlier_errors: EarlierErrors | None = None


@dataclass(frozen=True, kw_only=True)
class PredictedBeside:
    """What else might be better on a device, if it were measured.

    Attributes:
        confidence: share of intervals that are to hold what is measured later.
        candidates: the most promising, each backbone in its best setting.
        candidate_count: how many there are in all.
        rests_on: of each setting of the candidates, what its predictions are made of.
        unheld: limits that no prediction is held against, or by its median only.
        suggested_sweep: what would measure the candidates, or without any prediction what would
            make predictions possible; None where neither is needed.
    """

    confidence: float
    candidates: tuple[PredictedCandidate, ...] = ()
    candidate_count: int = 0
    rests_on: tuple[PredictionBasis, ...] = ()
    unheld: tuple[Criterion, ...] = ()
    suggested_sweep: SweepSpec | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedCandidate:
    """A figure that others published of a device like this one, where none was measured alike.

    Attributes:
        published: device, setting, source and latency, as they were published.
        prospect: what it would be by its figure.
        fp32_top1: published of the fp32 weights, percent, whatever precision the latency is of;
            None where none is.
    """

    published: PublishedLatency
    prospect: Prospect
    fp32_top1: float | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedBeside:
    """What others published that might be better, if it were measured here.

    Attributes:
        published_devices: those that have the device's chip; none where nobody published of it.
        candidates: the most promising, each backbone by its best figure.
        candidate_count: how many there are in all.
        unheld: limits that no published figure is held against, or by its latency only.
    """

    published_devices: tuple[str, ...] = ()
    candidates: tuple[PublishedCandidate, ...] = ()
    candidate_count: int = 0
    unheld: tuple[Criterion, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RankingBeside:
    """A ranking of what was measured, and apart from it what was not.

    Attributes:
        ranking: of measured figures alone.
        predicted: None where it was not asked for.
        published: likewise.
    """

    ranking: Ranking
    predicted: PredictedBeside | None = None
    published: PublishedBeside | None = None
