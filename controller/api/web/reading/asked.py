"""What programs may ask, and within which limits: no route takes what is not here."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from controller.domain.devices import MOST_EVENTS
from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.limits import MOST_AXES, Criterion, at_most
from controller.domain.sweeps import MAX_MINUTES, MAX_THREADS
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.runtimes import Runtime

MOST_ITEMS: Final = 1_000
"""Of a page."""
_MOST_LETTERS: Final = 200
_MOST_TERMS: Final = 1_000
_MOST_SERIES: Final = 100

Name = Annotated[str, Field(min_length=1, max_length=_MOST_LETTERS)]
"""Of a device, a backbone, a sweep, a dataset."""
Count = Annotated[int, Field(ge=1, le=MOST_ITEMS)]
"""How many at once."""
Terms = Annotated[str, Field(min_length=1, max_length=_MOST_TERMS)]
"""What a side of a comparison is, as in `edgerank compare`."""


class Asked(BaseModel):
    """A question without parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AskedPage(Asked):
    """A question that is answered in pages.

    Attributes:
        limit: how many at most.
        cursor: the `next_cursor` of the page before; without it, the first one.
    """

    limit: Count = 100
    cursor: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class AskedDevices(Asked):
    """Which devices."""

    with_removed: bool = False


class AskedEvents(Asked):
    """How many events of a device."""

    limit: Annotated[int, Field(ge=1, le=MOST_EVENTS)] = 100


class AskedBackbones(AskedPage):
    """Which backbones; what is None asks for all."""

    series: Name | None = None
    tier: Tier | None = None
    name_contains: Name | None = None
    distilled: bool | None = None
    extra_data: bool | None = None


class AskedMeasurements(AskedPage):
    """Which measurements; what is None asks for all."""

    device: Name | None = None
    sweep: Name | None = None
    backbone: Name | None = None
    accuracy_dataset: Name = IMAGENET
    at_minute: Annotated[int, Field(ge=1, le=MAX_MINUTES)] | None = None
    newest_first: bool = False


class AskedMeasurement(Asked):
    """How one measurement is told."""

    accuracy_dataset: Name = IMAGENET
    with_samples: bool = True


class AskedLimits(Asked):
    """The constraints of a ranking; what is None is no constraint.

    Attributes:
        max_params_m: millions of parameters.
        series: repeated, any of them.
    """

    max_latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_p90_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_p99_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_memory_bytes: Annotated[int, Field(gt=0, lt=1 << 62)] | None = None
    max_artifact_bytes: Annotated[int, Field(gt=0, lt=1 << 62)] | None = None
    max_params_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    min_top1: Annotated[float, Field(ge=0, le=100)] | None = None
    tier: Tier | None = None
    series: list[Name] = Field(default=[], max_length=_MOST_SERIES)
    distilled: bool | None = None
    extra_data: bool | None = None
    runtime: Runtime | None = None
    precision: Precision | None = None
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = None
    only: list[Verdict] = Field(default=[], max_length=len(Verdict))
    at_minute: Annotated[int, Field(ge=1, le=MAX_MINUTES)] | None = None
    by: Merit | None = None
    include_emulated: bool = False
    paced_fps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    accuracy_dataset: Name = IMAGENET

    def constraints(self) -> Constraints:
        """The same, as rankings take them."""
        return Constraints(
            max_latency_ms=self.max_latency_ms,
            max_memory_bytes=self.max_memory_bytes,
            min_top1=self.min_top1,
            tier=self.tier,
            runtime=self.runtime,
            threads=self.threads,
            only=tuple(self.only),
            at_minute=self.at_minute,
            by=self.by,
            include_emulated=self.include_emulated,
            paced_fps=self.paced_fps,
            limits=at_most(
                {
                    Criterion.P90: self.max_p90_ms,
                    Criterion.P99: self.max_p99_ms,
                    Criterion.ARTIFACT_SIZE: self.max_artifact_bytes,
                    Criterion.PARAMS: self.max_params_m,
                }
            ),
            series=tuple(self.series),
            distilled=self.distilled,
            extra_data=self.extra_data,
            precision=self.precision,
        )


class AskedFront(AskedLimits):
    """The Pareto front of a device.

    Attributes:
        front: repeated, its two or three figures; none is median latency and top-1.
    """

    device: Name
    front: list[Criterion] = Field(default=[], max_length=MOST_AXES)

    def constraints(self) -> Constraints:
        """The same, as rankings take them."""
        return replace(super().constraints(), front=tuple(self.front))


class AskedRanking(AskedFront):
    """What is ranked on a device.

    Attributes:
        confidence: how sure the winner has to be the first, a fraction.
    """

    confidence: Annotated[float, Field(ge=0.5, lt=1)] | None = None

    def constraints(self) -> Constraints:
        """The same, as rankings take them."""
        return replace(super().constraints(), confidence=self.confidence)


class AskedBest(AskedRanking):
    """Which backbone is best on a device.

    Attributes:
        limit: how many of those that lost are told at most, and of what is left out.
    """

    limit: Annotated[int, Field(ge=0, le=MOST_ITEMS)] = 50


class AskedRest(AskedPage, AskedRanking):
    """A page of those that lost on a device, or of what is left out there."""


class AskedFleetBest(AskedLimits):
    """Which backbone is best for many devices; `device` repeated are names or labels KEY=VALUE."""

    device: list[Name] = Field(default=[], max_length=MOST_ITEMS)


class AskedComparison(Asked):
    """What is compared, by the terms of `edgerank compare`."""

    a: Terms
    b: Terms
    device: Name | None = None
    equivalence_margin: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    regression_threshold: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    include_disturbed: bool = False
    include_emulated: bool = False
