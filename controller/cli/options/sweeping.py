"""The options of `sweep` that say what is measured, how long and how often, how urgently."""

from dataclasses import dataclass

import click

from controller.cli.options.backbones import complete_backbones
from controller.cli.options.grouping import option_group
from controller.cli.options.runtime import runtimes_option, threads_option
from controller.cli.options.values import (
    Converted,
    read_deadline,
    read_devices,
    read_minutes,
    read_percentage,
    read_repetitions,
)
from controller.cli.options.variants import accelerators_option
from controller.domain.quantities import parse_fps, parse_latency_ms, parse_time_ms
from controller.domain.sweeps import (
    DEFAULT_FEWEST_REPETITIONS,
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    JOB_TIME_MS,
    MAX_PRIORITY,
    ordinary_repetitions,
)
from models.catalog.variants import Target
from protos.runtimes import Runtime

DEFAULT_PRECISION = f"{DEFAULT_RELATIVE_HALF_WIDTH:.0%}"
DEFAULT_REPETITIONS = f"{DEFAULT_FEWEST_REPETITIONS}-{DEFAULT_MOST_REPETITIONS}"
PRIORITY = click.IntRange(-MAX_PRIORITY, MAX_PRIORITY)
DEFAULT_TIME_BUDGET = f"{DEFAULT_TIME_BUDGET_MS / 1_000:g}s"


@dataclass(frozen=True, kw_only=True)
class SweptSettings:
    """What is measured; what `names` mean, only the catalog knows."""

    names: str
    devices: tuple[str, ...]
    runtimes: tuple[Runtime, ...]
    threads: tuple[int, ...]
    accelerators: tuple[Target, ...]
    name: str
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class MeasuringRules:
    """How often and how long is measured; the fields are those of `SweepSpec`."""

    fewest_repetitions: int
    most_repetitions: int
    relative_half_width: float
    time_budget_ms: int
    sentinel: bool
    sustained_minutes: int
    paced_fps: float
    time_ms: int | None


@dataclass(frozen=True, kw_only=True)
class Urgency:
    """How urgent a sweep is beside others; the fields are those of `SweepSpec`."""

    priority: int
    deadline_unix_ms: int | None


swept_options = option_group(
    "What is measured",
    "swept",
    SweptSettings,
    click.option(
        "--models",
        "names",
        metavar="NAME,NAME*|series:SERIES|tier:TIER|own:NAME*",
        required=True,
        shell_complete=complete_backbones,
        help="Backbones, by name or pattern; a whole series or tier; own models.",
    ),
    click.option(
        "--devices",
        type=Converted("devices", read_devices),
        metavar="all|NAME,KEY=VALUE",
        default="all",
        show_default=True,
        help="all: every connected one. A label, as soc=rk3588: every connected one that has it.",
    ),
    runtimes_option(
        "What is left out where a device lacks it, and refused where all do.",
        by_default="those that each device has",
    ),
    threads_option("Thread counts, each measured."),
    accelerators_option(
        "Paddle Lite's files for these besides, on ARM devices that have a library for them."
    ),
    click.option(
        "--name",
        default="",
        metavar="NAME",
        help="What to call the sweep; of several of one name the newest is meant.",
    ),
    click.option(
        "--fresh",
        is_flag=True,
        help="Measure again what was measured alike before: the same file on the same device, "
        "runtime and settings, as precise.",
    ),
)
urgency_options = option_group(
    "How urgent it is",
    "urgency",
    Urgency,
    click.option(
        "--priority",
        type=PRIORITY,
        default=0,
        show_default=True,
        metavar="N",
        help=f"-{MAX_PRIORITY} to {MAX_PRIORITY}: a device takes the sweep of the highest first.",
    ),
    click.option(
        "--deadline",
        "deadline_unix_ms",
        type=Converted("deadline", read_deadline),
        metavar="TIME",
        help="When it should have ended: 2026-11-27T06:00 in UTC, or 8h from now. Among your "
        "sweeps of one priority the earliest comes first; nothing ends by it.",
    ),
)


def _rules(
    *,
    repetitions: tuple[int, int] | None,
    precision: float,
    time_budget_ms: float,
    sentinel: bool,
    sustained_minutes: int | None,
    paced_fps: float | None,
    time_ms: int | None,
) -> MeasuringRules:
    fewest, most = repetitions or ordinary_repetitions(sustained_minutes or 0)
    return MeasuringRules(
        fewest_repetitions=fewest,
        most_repetitions=most,
        relative_half_width=precision,
        time_budget_ms=round(time_budget_ms),
        sentinel=sentinel,
        sustained_minutes=sustained_minutes or 0,
        paced_fps=paced_fps or 0.0,
        time_ms=time_ms,
    )


measuring_options = option_group(
    "How long and how often",
    "rules",
    _rules,
    click.option(
        "--repetitions",
        type=Converted("repetitions", read_repetitions),
        metavar="N-N",
        show_default=f"{DEFAULT_REPETITIONS}, with --sustained 1",
        help="Fresh processes for each job: the fewest, and the most while its interval is wider "
        "than wanted and time is left; one number is both.",
    ),
    click.option(
        "--time",
        "time_ms",
        type=Converted("time", parse_time_ms),
        metavar="TIME",
        show_default=f"{JOB_TIME_MS / 1_000:g}s for each job",
        help="What all jobs on a device may take together, as 20m: it is spent where intervals are "
        "widest. The fewest repetitions are taken in any case.",
    ),
    click.option(
        "--precision",
        type=Converted("percentage", read_percentage),
        metavar="P%",
        default=DEFAULT_PRECISION,
        show_default=True,
        help="Wanted half-width of the median's 95 % interval.",
    ),
    click.option(
        "--time-budget",
        "time_budget_ms",
        type=Converted("duration", parse_latency_ms),
        metavar="TIME",
        default=DEFAULT_TIME_BUDGET,
        show_default=True,
        help="The longest that one repetition may sample, as 10s or 500ms.",
    ),
    click.option(
        "--sentinel/--no-sentinel",
        default=True,
        show_default=True,
        help="Read a small backbone now and then, and repeat what was measured beside a gross and "
        "lasting change.",
    ),
    click.option(
        "--sustained",
        "sustained_minutes",
        type=Converted("minutes", read_minutes),
        metavar="TIME",
        help="Run without a pause for so many minutes, as 10m, and report each of them.",
    ),
    click.option(
        "--paced",
        "paced_fps",
        type=Converted("frame rate", parse_fps),
        metavar="RATE",
        help="Run besides once for each frame of a camera, as 30fps, at rest between them: latency "
        "and missed frames beside the figures back to back.",
    ),
)
