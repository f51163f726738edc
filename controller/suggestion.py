"""What was not measured on a device, and the sweep that would fill it."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from controller.domain import Constraints, Measurement, Runtime
from controller.pareto import pareto_front
from models.catalog import Backbone
from models.variants import WeightsKind

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


def _models(unmeasured: Sequence[Backbone], constraints: Constraints) -> str:
    if len(unmeasured) <= MOST_BACKBONES:
        return ",".join(backbone.name for backbone in unmeasured)
    if constraints.tier is not None:
        return f"tier:{constraints.tier}"
    return ",".join(backbone.name for backbone in _promising(unmeasured)[:MOST_BACKBONES])


def _promising(backbones: Sequence[Backbone]) -> list[Backbone]:
    costed = [backbone for backbone in backbones if backbone.flops_g is not None]
    return pareto_front(
        costed or backbones,
        benefit=lambda backbone: backbone.top1 or 0,
        cost=lambda backbone: backbone.flops_g or 0,
    )
