"""Sweeps as the commands that a person would start them with."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from controller.domain.rankings import MOST_BACKBONES, Constraints
from controller.domain.sweeps import SweepSpec
from controller.views.sweeps.fields import Value, fields_of
from models.catalog.precisions import Precision

# What a person who reads a suggestion is told in any case.
_TOLD: Final = ("devices", "threads", "weights")
# What measured figures are of by default, so that a suggestion need not say it.
_USUAL: Final[Mapping[str, Value]] = {"precisions": [Precision.FP32.value], "batch": [1]}


def sweep_command(spec: SweepSpec, constraints: Constraints) -> str:
    """Write the command of a suggested sweep; a whole tier is named as such.

    Options that would say their defaults are left out, but those that say what is measured.
    """
    fields = {**fields_of(spec, _TOLD), "models": _models(spec, constraints)}
    told = {name: value for name, value in fields.items() if value != _USUAL.get(name)}
    return shlex.join(["edgerank", "sweep", *_options(told)])


def _options(fields: Mapping[str, Value]) -> Iterator[str]:
    for name, value in fields.items():
        match value:
            case True:
                yield f"--{name}"
            case False:
                yield f"--no-{name}"
            case list():
                yield from (f"--{name}", ",".join(map(str, value)))
            case _:
                yield from (f"--{name}", str(value))


def _models(spec: SweepSpec, constraints: Constraints) -> list[int | str]:
    if len(spec.backbones) > MOST_BACKBONES and constraints.tier is not None:
        return [f"tier:{constraints.tier.value}"]
    return list(spec.backbones)
