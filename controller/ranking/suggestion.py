"""What was not measured on a device, and the sweep that would fill it."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints
from controller.domain.sweeps import MAX_REPETITIONS, MAX_TIME_BUDGET_MS
from controller.ranking.pareto import pareto_front
from controller.views.settings_words import settings_options
from models.catalog.catalog import Backbone
from models.catalog.variants import Precision, WeightsKind
from protos.runtimes import Runtime

MOST_BACKBONES: Final = 12
"""How many names a suggested sweep lists at most."""


def unmeasured_backbones(
    backbones: Iterable[Backbone], measured: Collection[str], constraints: Constraints
) -> list[Backbone]:
    """Return the backbones that could win by their published accuracy and have no figures yet."""
    return [
        backbone
        for backbone in backbones
        if backbone.name not in measured
        and backbone.top1 is not None
        and (constraints.min_top1 is None or backbone.top1 >= constraints.min_top1)
    ]


def weights_in_use(measurements: Iterable[Measurement]) -> WeightsKind:
    """Return the kind of weights to go on with: synthetic where nothing else was measured."""
    kinds = {measurement.weights for measurement in measurements} - {WeightsKind.OWN}
    return WeightsKind.SYNTHETIC if kinds == {WeightsKind.SYNTHETIC} else WeightsKind.PRETRAINED


def suggest_sweep(
    device: str,
    unmeasured: Sequence[Backbone],
    constraints: Constraints,
    runtimes: Sequence[Runtime],
    weights: WeightsKind,
) -> str:
    """Return the command that measures what is missing; empty when nothing is.

    Of many backbones only the promising ones are named: those that no other one beats in both
    published top-1 and multiply-adds, the cheapest first. A whole tier is named as such.
    """
    if not unmeasured:
        return ""
    wanted = (constraints.runtime,) if constraints.runtime is not None else tuple(runtimes)
    words = [
        "edgerank",
        "sweep",
        "--models",
        _models(unmeasured, constraints),
        "--devices",
        device,
        "--runtimes",
        ",".join(runtime.value for runtime in wanted),
        "--threads",
        str(constraints.threads or 1),
        "--weights",
        weights.value,
    ]
    if constraints.at_minute is not None:
        words += ["--sustained", f"{constraints.at_minute}m"]
    return shlex.join(words)


def suggest_repeat(device: str, measurements: Sequence[Measurement]) -> str:
    """Return the command that measures these again, with twice the repetitions and the time.

    A sweep has one kind of weights and computes everything alike, so what differs in that from the
    most wanted is left for another one.

    Args:
        device: its name.
        measurements: at least one, the most wanted first; of many backbones the first are named.
    """
    wanted = measurements[0]
    alike = [each for each in measurements if _measured_with(each) == _measured_with(wanted)]
    backbones = list(dict.fromkeys(each.backbone for each in alike))[:MOST_BACKBONES]
    again = [each for each in alike if each.backbone in backbones]
    words = [
        "edgerank",
        "sweep",
        "--models",
        ",".join(backbones),
        "--devices",
        device,
        *("--runtimes", _each(measurement.runtime.value for measurement in again)),
        *("--threads", _each(str(measurement.threads) for measurement in again)),
        *_unless(
            Precision.FP32.value, "--precisions", _each(each.precision.value for each in again)
        ),
        *_unless("1", "--batch", _each(str(measurement.batch) for measurement in again)),
        *settings_options(wanted),
        *("--weights", weights_in_use(again).value),
        *_more_effort(again),
    ]
    return shlex.join(words)


def _measured_with(measurement: Measurement) -> tuple[WeightsKind, tuple[str, ...]]:
    return weights_in_use([measurement]), settings_options(measurement)


def _more_effort(again: Sequence[Measurement]) -> list[str]:
    settings = [each.settings for each in again if each.settings is not None]
    # Nothing known of how they were measured leaves it to the sweep's own defaults.
    if not settings:
        return []
    repetitions = 2 * max(each.repetitions_wanted for each in again)
    time_budget_ms = 2 * max(each.time_budget_ms for each in settings)
    # The loosest: a stricter one than was asked for would hold back what is good enough.
    half_width = max(each.relative_half_width for each in settings)
    return [
        *("--repetitions", str(min(repetitions, MAX_REPETITIONS))),
        *("--time-budget", f"{min(time_budget_ms, MAX_TIME_BUDGET_MS)}ms"),
        *("--precision", f"{half_width * 100:g}%"),
    ]


def _each(words: Iterable[str]) -> str:
    return ",".join(sorted(set(words)))


def _unless(ordinary: str, option: str, value: str) -> list[str]:
    return [] if value == ordinary else [option, value]


def _models(unmeasured: Sequence[Backbone], constraints: Constraints) -> str:
    if len(unmeasured) <= MOST_BACKBONES:
        return ",".join(backbone.name for backbone in unmeasured)
    if constraints.tier is not None:
        return f"tier:{constraints.tier.value}"
    return ",".join(backbone.name for backbone in _promising(unmeasured)[:MOST_BACKBONES])


def _promising(backbones: Sequence[Backbone]) -> list[Backbone]:
    costed = [backbone for backbone in backbones if backbone.flops_g is not None]
    return pareto_front(
        costed or backbones,
        benefit=lambda backbone: backbone.top1 or 0,
        cost=lambda backbone: backbone.flops_g or 0,
    )
