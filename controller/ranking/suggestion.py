"""What was not measured on a device, and the sweep that would fill it."""

from collections.abc import Collection, Iterable, Sequence

from controller.domain.cores import CoreChoice, Cores
from controller.domain.measurements import Measurement
from controller.domain.rankings import MOST_BACKBONES, Constraints
from controller.domain.rankings.limits import Criterion
from controller.domain.sweeps import (
    DEFAULT_GATE,
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    MAX_REPETITIONS,
    MAX_TIME_BUDGET_MS,
    SweepSpec,
    ordinary_repetitions,
)
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.pareto import pareto_front
from models.catalog.catalog import Backbone, Catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import ImageSize
from protos.runtimes import Runtime


def unmeasured_backbones(
    backbones: Iterable[Backbone], measured: Collection[str], constraints: Constraints
) -> list[Backbone]:
    """Return the backbones that could win by their published accuracy and have no figures yet."""
    return [
        backbone
        for backbone in backbones
        if backbone.name not in measured
        and backbone.top1 is not None
        and may_qualify(backbone, constraints)
    ]


def may_qualify(backbone: Backbone, constraints: Constraints) -> bool:
    """Say whether nothing that is known without measuring excludes a backbone."""
    series = [each.casefold() for each in constraints.series]
    known = {Criterion.TOP1: backbone.top1, Criterion.PARAMS: backbone.params_m}
    return (
        (not series or backbone.series.casefold() in series)
        and constraints.distilled in (None, backbone.distilled)
        and constraints.extra_data in (None, backbone.extra_data)
        and all(
            limit.overstep(figure) <= 0
            for limit in constraints.every_limit
            if (figure := known.get(limit.criterion)) is not None
        )
    )


def weights_in_use(measurements: Iterable[Measurement]) -> WeightsKind:
    """Return the kind of weights to go on with: synthetic where nothing else was measured."""
    return kind_in_use({measurement.weights for measurement in measurements})


def kind_in_use(kinds: Collection[WeightsKind]) -> WeightsKind:
    """Return the same of the kinds that there are."""
    kinds = {*kinds} - {WeightsKind.OWN}
    return WeightsKind.SYNTHETIC if kinds == {WeightsKind.SYNTHETIC} else WeightsKind.PRETRAINED


def suggest_sweep(
    device: str,
    unmeasured: Sequence[Backbone],
    constraints: Constraints,
    runtimes: Sequence[Runtime],
    weights: WeightsKind,
) -> SweepSpec | None:
    """Return the sweep that measures what is missing; None when nothing is.

    Of many backbones outside of a tier only the promising ones are named: those that no other one
    beats in both published top-1 and multiply-adds, the cheapest first.
    """
    if not unmeasured:
        return None
    are_few = len(unmeasured) <= MOST_BACKBONES or constraints.tier is not None
    named = unmeasured if are_few else _promising(unmeasured)[:MOST_BACKBONES]
    sustained_minutes = constraints.at_minute or 0
    fewest, most = ordinary_repetitions(sustained_minutes)
    return SweepSpec(
        backbones=tuple(backbone.name for backbone in named),
        devices=(device,),
        runtimes=(constraints.runtime,) if constraints.runtime is not None else tuple(runtimes),
        threads=(constraints.threads or 1,),
        weights=weights,
        fewest_repetitions=fewest,
        most_repetitions=most,
        relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
        time_budget_ms=DEFAULT_TIME_BUDGET_MS,
        gate=DEFAULT_GATE,
        precisions=() if constraints.precision is None else (constraints.precision,),
        sustained_minutes=sustained_minutes,
        paced_fps=constraints.paced_fps or 0.0,
        sentinel=True,
    )


def suggest_repeat(device: str, measurements: Sequence[Measurement], catalog: Catalog) -> SweepSpec:
    """Return the sweep that measures these again, with twice the repetitions and the time.

    A sweep has one kind of weights and computes everything alike, so what differs in that from the
    most wanted is left for another one.

    Args:
        device: its name.
        measurements: at least one, the most wanted first; of many backbones the first are named.
        catalog: where it is looked up at which size a backbone is measured by itself.
    """
    wanted = measurements[0]
    is_like = _measured_with(wanted, catalog)
    alike = [each for each in measurements if _measured_with(each, catalog) == is_like]
    backbones = tuple(dict.fromkeys(each.backbone for each in alike))[:MOST_BACKBONES]
    again = [each for each in alike if each.backbone in backbones]
    settings = [each.settings for each in again if each.settings is not None]
    unusual = distinction(wanted)
    most = max(each.repetitions_wanted for each in again) or DEFAULT_MOST_REPETITIONS
    return SweepSpec(
        backbones=backbones,
        devices=(device,),
        runtimes=tuple(runtime for runtime in Runtime if runtime in {m.runtime for m in again}),
        threads=tuple(sorted({each.threads for each in again})),
        weights=weights_in_use(again),
        # In any case as many as it might have had, whatever time they take.
        fewest_repetitions=most,
        most_repetitions=min(2 * most, MAX_REPETITIONS),
        # The loosest: a stricter one than was asked for would hold back what is good enough.
        relative_half_width=max(
            (each.relative_half_width for each in settings), default=DEFAULT_RELATIVE_HALF_WIDTH
        ),
        time_budget_ms=min(
            2 * max((each.time_budget_ms for each in settings), default=DEFAULT_TIME_BUDGET_MS),
            MAX_TIME_BUDGET_MS,
        ),
        precisions=tuple(each for each in Precision if each in {m.precision for m in again}),
        input_sizes=_unusual_sizes(wanted, catalog),
        batches=tuple(sorted({each.batch for each in again})),
        cores=Cores(choice=CoreChoice.LISTED, cpus=unusual.cores) if unusual.cores else Cores(),
        flush_denormals=unusual.flush_denormals,
        onnxruntime=unusual.onnxruntime,
        gate=DEFAULT_GATE,
        sustained_minutes=unusual.sustained_minutes,
        paced_fps=unusual.paced_fps,
        accelerators=() if unusual.accelerator is None else (unusual.accelerator,),
        sentinel=True,
        # What is wide would stand for itself.
        fresh=True,
    )


def _measured_with(
    measurement: Measurement, catalog: Catalog
) -> tuple[WeightsKind, Distinction, tuple[ImageSize, ...]]:
    sizes = _unusual_sizes(measurement, catalog)
    return weights_in_use([measurement]), distinction(measurement), sizes


def _unusual_sizes(measurement: Measurement, catalog: Catalog) -> tuple[ImageSize, ...]:
    """Return the size that has to be asked for; none where the backbone has it by itself."""
    name, size = measurement.backbone, measurement.input_size
    return () if name not in catalog or catalog.get(name).input_size == size else (size,)


def _promising(backbones: Sequence[Backbone]) -> list[Backbone]:
    costed = [backbone for backbone in backbones if backbone.flops_g is not None]
    return pareto_front(
        costed or backbones,
        benefit=lambda backbone: backbone.top1 or 0,
        cost=lambda backbone: backbone.flops_g or 0,
    )
