"""The options that say which runtimes compute, with how many threads, where and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, OneOf, read_runtimes, read_threads
from controller.domain.cores import Cores, parse_cores
from controller.domain.measurements import ORDINARY_ONNXRUNTIME
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions


def runtimes_option(
    told: str, by_default: str = "those that the device has"
) -> Callable[[Any], Any]:
    """The option --runtimes, with what the command does with them, and without any."""
    return click.option(
        "--runtimes",
        type=Converted("runtimes", read_runtimes),
        metavar="NAME,NAME",
        default=(),
        show_default=by_default,
        help=told,
    )


def threads_option(told: str, by_default: str = "") -> Callable[[Any], Any]:
    """The option --threads, with what the command does with them.

    Without any it is one thread, or, where this says so, what the command tries by itself.
    """
    return click.option(
        "--threads",
        type=Converted("threads", read_threads),
        metavar="N,N",
        default=() if by_default else "1",
        show_default=by_default or True,
        help=told,
    )


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings:
    """What these options say; the fields are those of `SweepSpec`."""

    cores: Cores
    flush_denormals: bool
    onnxruntime: OnnxRuntimeOptions


def _settings(
    *,
    cores: Cores,
    flush_denormals: bool,
    execution_provider: str,
    graph_optimization: GraphOptimization,
    spinning: bool,
    arena: bool,
) -> RuntimeSettings:
    return RuntimeSettings(
        cores=cores,
        flush_denormals=flush_denormals,
        onnxruntime=OnnxRuntimeOptions(
            execution_provider=execution_provider,
            graph_optimization=graph_optimization,
            spinning=spinning,
            arena=arena,
        ),
    )


runtime_options = option_group(
    "How a runtime computes",
    "runtime_settings",
    _settings,
    click.option(
        "--cores",
        type=Converted("cores", parse_cores),
        metavar="big|little|all|0,4-7",
        default="all",
        show_default=True,
        help="Where a runtime computes: on the most or the least capable cores, or on these.",
    ),
    click.option(
        "--flush-denormals",
        is_flag=True,
        help="Subnormal numbers count as 0, which some processors compute far faster.",
    ),
    click.option(
        "--execution-provider",
        metavar="NAME",
        default=ORDINARY_ONNXRUNTIME.execution_provider,
        show_default=True,
        help="ONNX Runtime's, by its own name (see 'edgerank devices show NAME').",
    ),
    click.option(
        "--graph-optimization",
        type=OneOf(GraphOptimization),
        default=ORDINARY_ONNXRUNTIME.graph_optimization.value,
        show_default=True,
        help="How much ONNX Runtime rewrites a graph when it loads it.",
    ),
    click.option(
        "--spinning/--no-spinning",
        default=ORDINARY_ONNXRUNTIME.spinning,
        show_default=True,
        help="Whether ONNX Runtime's idle threads wait in a loop instead of sleeping.",
    ),
    click.option(
        "--arena/--no-arena",
        default=ORDINARY_ONNXRUNTIME.arena,
        show_default=True,
        help="Whether ONNX Runtime keeps memory for the next run.",
    ),
)
