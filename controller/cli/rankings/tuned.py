"""The options of `edgerank tune`: what may be tried, and what the best setting has to satisfy."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from controller.cli.options.grouping import option_group
from controller.cli.options.runtime import runtimes_option, threads_option
from controller.cli.options.values import (
    Converted,
    read_precisions,
)
from controller.cli.options.variants import weights_option
from controller.domain.quantities import parse_memory_bytes
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.tuning import ROUNDS
from controller.domain.sweeps import SweepSpec
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.measuring import StartGate
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What may be tried, and the limits."""

    runtimes: tuple[Runtime, ...]
    precisions: tuple[Precision, ...]
    threads: tuple[int, ...]
    weights: WeightsKind
    max_memory_bytes: int | None
    max_artifact_bytes: int | None
    min_top1: float | None
    rounds: int

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Those that the best setting has to satisfy."""
        return tuple(self._limits())

    def sweep(self, backbone: str, device: str, gate: StartGate) -> SweepSpec:
        """What all settings have in common; the rounds say the rest."""
        first = ROUNDS[0]
        return SweepSpec(
            backbones=(backbone,),
            devices=(device,),
            runtimes=(),
            threads=(1,),
            weights=self.weights,
            fewest_repetitions=first.fewest_repetitions,
            most_repetitions=first.most_repetitions,
            relative_half_width=first.relative_half_width,
            time_budget_ms=first.time_budget_ms,
            gate=gate,
        )

    def _limits(self) -> Iterator[Limit]:
        for criterion, bound, value in (
            (Criterion.MEMORY, Bound.AT_MOST, self.max_memory_bytes),
            (Criterion.ARTIFACT_SIZE, Bound.AT_MOST, self.max_artifact_bytes),
            (Criterion.TOP1, Bound.AT_LEAST, self.min_top1),
        ):
            if value is not None:
                yield Limit(criterion=criterion, bound=bound, value=value)


tuning_options = option_group(
    "What is tried",
    "tuned",
    Tuned,
    runtimes_option("Each is tried."),
    click.option(
        "--precisions",
        type=Converted("precisions", read_precisions),
        metavar="NAME,NAME",
        default=Precision.FP32.value,
        show_default=True,
        help="Others may be less accurate: --min-top1 asks for figures of theirs.",
    ),
    threads_option("Thread counts, each tried.", by_default="1, 2, 4, ... up to the cores"),
    weights_option(WeightsKind.PRETRAINED),
    click.option(
        "--max-memory",
        "max_memory_bytes",
        type=Converted("memory", parse_memory_bytes),
        metavar="SIZE",
        help="Peak memory above the bare runtime's at most.",
    ),
    click.option(
        "--max-artifact",
        "max_artifact_bytes",
        type=Converted("size", parse_memory_bytes),
        metavar="SIZE",
        help="Size of the file that is run at most.",
    ),
    click.option(
        "--min-top1",
        type=click.FloatRange(0, 100),
        metavar="PERCENT",
        help="Top-1 in the setting's precision at least.",
    ),
    click.option(
        "--rounds",
        type=click.IntRange(1, len(ROUNDS)),
        default=len(ROUNDS),
        show_default=True,
        help="The most rounds, each with more processes than the one before.",
    ),
)
