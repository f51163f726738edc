"""What becomes of a source's claims about backbones, on the devices that were measured."""

from dataclasses import dataclass
from enum import Enum

from models.catalog.tiers import Tier
from protos.runtimes import Runtime


class ClaimResult(Enum):
    """What figures say of a claim."""

    HOLDS = "holds"
    """All that it takes was looked at, and agrees."""
    CONTRADICTED = "does not hold"
    """Something that was looked at is surely otherwise."""
    UNDECIDED = "not decidable"
    """What is known neither bears it out nor contradicts it."""


@dataclass(frozen=True, kw_only=True)
class SurveyedLatency:
    """A backbone's latency on a device, in the device's surveyed setting.

    Attributes:
        device: name of the device.
        median_ms: median latency, ms.
        low_ms: lower end of the median's 95 % interval, ms.
        high_ms: upper end, ms.
        top1_per_ms: percent of top-1 for each ms of the median.
    """

    device: str
    median_ms: float
    low_ms: float
    high_ms: float
    top1_per_ms: float


@dataclass(frozen=True, kw_only=True)
class SurveyedBackbone:
    """A backbone of a tier's table.

    Attributes:
        backbone: its name.
        top1: published top-1 on ImageNet-1k, percent.
        flops_g: 10^9 multiply-adds of one image, published, or counted where nobody did.
        params_m: millions of parameters, likewise.
        top1_per_flops_g: percent of top-1 for each 10^9 multiply-adds.
        latencies: on each device that has a figure.
    """

    backbone: str
    top1: float
    flops_g: float
    params_m: float
    top1_per_flops_g: float
    latencies: tuple[SurveyedLatency, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TierTable:
    """A tier's backbones, the most accurate first.

    Attributes:
        tier: which tier.
        backbones: of the tier.
    """

    tier: Tier
    backbones: tuple[SurveyedBackbone, ...]


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Two backbones of which the one with fewer multiply-adds is surely slower.

    Attributes:
        fewer: the one with fewer multiply-adds.
        more: the one with more.
        flops_ratio: multiply-adds of `more` over those of `fewer`, above 1.
        latency_ratio: median of `fewer` over that of `more`, above 1; the intervals are apart.
    """

    fewer: str
    more: str
    flops_ratio: float
    latency_ratio: float


@dataclass(frozen=True, kw_only=True)
class FlopsClaim:
    """Whether low multiply-adds mean low latency on a device: the claim is that they do not.

    Attributes:
        result: holds where Spearman's interval ends below 0.9; does not hold where it begins there.
        backbone_count: how many were correlated.
        spearman: rank correlation of multiply-adds and median latency, -1 to 1; None of too few.
        spearman_low: lower end of its 95 % bootstrap interval.
        spearman_high: upper end.
        kendall: Kendall's tau-b of the same; None of too few.
        contradictions: those that contradict the order of multiply-adds most, the worst first.
    """

    result: ClaimResult
    backbone_count: int
    spearman: float | None = None
    spearman_low: float | None = None
    spearman_high: float | None = None
    kendall: float | None = None
    contradictions: tuple[Contradiction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClaimedBest:
    """How a backbone that is said to be of the best value does.

    Attributes:
        backbone: its name.
        place: by its distance above the line from the cheapest to the most accurate of the front,
            1 being the best value; None where it has no figure.
        beaten_by: what is at least as accurate and surely cheaper.
    """

    backbone: str
    place: int | None = None
    beaten_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ValueClaim:
    """Whether ReXNet_2_0 and EfficientNetB2 are the best value of the mobile tier.

    Attributes:
        result: holds where they have the first two places of the whole tier; does not hold where
            one is surely beaten, or the whole tier is known and they have not.
        claimed: both.
        known: how many of the tier have a figure.
        of: how many there are.
        unknown: those without.
    """

    result: ClaimResult
    claimed: tuple[ClaimedBest, ...]
    known: int
    of: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SurveyedDevice:
    """What a device's figures say of the claims.

    Attributes:
        device: its name.
        runtime: of the setting in which most backbones were measured there, of equally many the
            one with the lowest latency; None where nothing counts.
        threads: likewise.
        low_flops: on low multiply-adds and low latency.
        best_value: on the best value of the mobile tier, by median latency.
    """

    device: str
    low_flops: FlopsClaim
    best_value: ValueClaim
    runtime: Runtime | None = None
    threads: int | None = None


@dataclass(frozen=True, kw_only=True)
class DistilledPair:
    """Distilled weights beside plain ones of the same network, at the same size.

    Attributes:
        distilled: the backbone with distilled weights.
        plain: the one with weights that were trained on ImageNet-1k alone.
        gain: how much higher the top-1 of the distilled ones is, points.
    """

    distilled: str
    plain: str
    gain: float


@dataclass(frozen=True, kw_only=True)
class DistillationClaim:
    """Whether distillation gives 2 to 4 points of top-1, by the published accuracy.

    Attributes:
        result: holds where the interval of the median gain is within 2 to 4; does not hold where
            it is outside.
        pairs: those of the catalog, the highest gain first.
        within: how many of them gain 2 to 4 points.
        median_gain: points; None without a pair.
        median_low: lower end of its 95 % bootstrap interval.
        median_high: upper end.
    """

    result: ClaimResult
    pairs: tuple[DistilledPair, ...]
    within: int
    median_gain: float | None = None
    median_low: float | None = None
    median_high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A source's tables and claims, by the catalog and by what was measured.

    Attributes:
        tiers: the tables.
        published_best_value: on the best value of the mobile tier, by multiply-adds in place of
            latency.
        devices: what each device says.
        distillation: on what distillation gives.
        without_figures: devices of which no figure counts.
    """

    tiers: tuple[TierTable, ...]
    published_best_value: ValueClaim
    devices: tuple[SurveyedDevice, ...]
    distillation: DistillationClaim
    without_figures: tuple[str, ...] = ()
