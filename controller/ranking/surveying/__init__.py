"""A survey of the source article: its tables, and what becomes of its claims."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.survey import (
    Survey,
    SurveyedBackbone,
    SurveyedDevice,
    SurveyedLatency,
    TierTable,
)
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.entries import Entry, select_entries
from controller.ranking.surveying.claims import (
    Cost,
    best_value,
    distillation_gains,
    low_flops,
)
from models.catalog.catalog import Backbone, Catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier, select_tier
from protos.runtimes import Runtime

_USUAL = Distinction()


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every surveyed figure of a device has in common, and the figures by backbone."""

    runtime: Runtime
    threads: int
    entries: Mapping[str, Entry]


def survey(measured: Mapping[str, Sequence[Measurement]], catalog: Catalog) -> Survey:
    """Survey the catalog, and each device in one setting.

    That is the runtime and threads in which most backbones of the catalog were measured as fp32,
    one image at a time, at their own size and without anything out of the ordinary; of equally many
    the one with the lowest median latency. Emulated devices do not count.

    Args:
        measured: by the device's name, oldest first.
        catalog: where tables, cost and accuracy come from.
    """
    surveyed = {device: _setting_of(found, catalog) for device, found in measured.items()}
    settings = {device: each for device, each in surveyed.items() if each is not None}
    mobile = select_tier(catalog, Tier.MOBILE)
    return Survey(
        tiers=tuple(_table(tier, catalog, settings) for tier in Tier),
        published_best_value=best_value(mobile, {b.name: _published(b) for b in mobile}),
        devices=tuple(
            _surveyed(device, each, mobile, catalog) for device, each in settings.items()
        ),
        distillation=distillation_gains(catalog),
        without_figures=tuple(device for device in measured if device not in settings),
    )


def flops_of(backbone: Backbone) -> float | None:
    """Return 10^9 multiply-adds, published, or else counted."""
    return backbone.counted_flops_g if backbone.flops_g is None else backbone.flops_g


def _setting_of(measurements: Sequence[Measurement], catalog: Catalog) -> _Setting | None:
    entries, _ = select_entries(measurements, Constraints(by=Merit.LATENCY))
    settings: defaultdict[tuple[Runtime, int], dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        if _is_usual(entry.measurement, catalog):
            of_setting = settings[entry.measurement.runtime, entry.measurement.threads]
            # The fastest first: of two kinds of weights it stands for the structure.
            of_setting.setdefault(entry.measurement.backbone, entry)
    if not settings:
        return None
    (runtime, threads), found = min(settings.items(), key=lambda item: _priority(item[1].values()))
    return _Setting(runtime, threads, found)


def _priority(entries: Iterable[Entry]) -> tuple[int, float]:
    medians = [entry.median_ms for entry in entries]
    return -len(medians), median(medians)


def _is_usual(measurement: Measurement, catalog: Catalog) -> bool:
    name = measurement.backbone
    return (
        name in catalog
        and measurement.precision is Precision.FP32
        and measurement.batch == 1
        and measurement.input_size == catalog.get(name).input_size
        and distinction(measurement) == _USUAL
    )


def _published(backbone: Backbone) -> Cost:
    flops_g = flops_of(backbone) or 0.0
    return Cost(flops_g, flops_g, flops_g)


def _measured(entry: Entry) -> Cost:
    return Cost(entry.median_ms, entry.latency.low_ms, entry.latency.high_ms)


def _surveyed(
    device: str, setting: _Setting, mobile: Sequence[Backbone], catalog: Catalog
) -> SurveyedDevice:
    costs = {name: _measured(entry) for name, entry in setting.entries.items()}
    flops = {name: flops_of(catalog.get(name)) for name in costs}
    known = {name: flops_g for name, flops_g in flops.items() if flops_g is not None}
    return SurveyedDevice(
        device=device,
        runtime=setting.runtime,
        threads=setting.threads,
        low_flops=low_flops(known, costs),
        best_value=best_value(mobile, costs),
    )


def _table(tier: Tier, catalog: Catalog, settings: Mapping[str, _Setting]) -> TierTable:
    return TierTable(
        tier=tier,
        backbones=tuple(_row(backbone, settings) for backbone in select_tier(catalog, tier)),
    )


def _row(backbone: Backbone, settings: Mapping[str, _Setting]) -> SurveyedBackbone:
    top1, flops_g = backbone.top1 or 0.0, flops_of(backbone) or 0.0
    params_m = backbone.params_m if backbone.params_m is not None else backbone.counted_params_m
    return SurveyedBackbone(
        backbone=backbone.name,
        top1=top1,
        flops_g=flops_g,
        params_m=params_m or 0.0,
        top1_per_flops_g=top1 / flops_g,
        latencies=tuple(
            _latency(device, setting.entries[backbone.name], top1)
            for device, setting in settings.items()
            if backbone.name in setting.entries
        ),
    )


def _latency(device: str, entry: Entry, top1: float) -> SurveyedLatency:
    return SurveyedLatency(
        device=device,
        median_ms=entry.median_ms,
        low_ms=entry.latency.low_ms,
        high_ms=entry.latency.high_ms,
        top1_per_ms=top1 / entry.median_ms,
    )
