"""The options of `sweep` and `profile` that say what a device has to be like before it starts."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, read_percentage
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.quantities import parse_celsius, parse_latency_ms
from controller.domain.sweeps import DEFAULT_GATE
from protos.measuring import StartGate

DEFAULT_MAX_TEMPERATURE = f"{DEFAULT_GATE.max_celsius:g}C"
DEFAULT_MAX_LOAD = f"{DEFAULT_GATE.max_load_by_others:.0%}"
DEFAULT_MIN_BATTERY = f"{DEFAULT_GATE.min_battery_percent}%"
DEFAULT_DEADLINE = f"{DEFAULT_GATE.deadline_ms / 1_000:g}s"

Limit = TypeVar("Limit")


def read_charge(text: str) -> int:
    """The whole percents of "30%".

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    percent = read_percentage(text) * 100
    if abs(percent - round(percent)) > 1e-9:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{text!r} is no whole percentage; write it as 30%"
        )
    return round(percent)


def _limit(
    name: str, read: Callable[[str], Limit], metavar: str, default: str, help_text: str
) -> Callable[[Any], Any]:
    def read_limit(text: str) -> Limit | None:
        return None if text == "none" else read(text)

    return click.option(
        name,
        type=Converted("limit", read_limit),
        metavar=metavar,
        default=default,
        show_default=True,
        help=help_text,
    )


def _gate(
    *,
    max_temperature: float | None,
    max_load: float | None,
    min_battery: int | None,
    start_deadline_ms: float,
    strict_start: bool,
) -> StartGate:
    return StartGate(
        max_celsius=max_temperature,
        max_load_by_others=max_load,
        min_battery_percent=min_battery,
        deadline_ms=round(start_deadline_ms),
        is_strict=strict_start,
    )


gate_options = option_group(
    "When measuring starts",
    "gate",
    _gate,
    _limit(
        "--max-temperature",
        parse_celsius,
        "45C|none",
        DEFAULT_MAX_TEMPERATURE,
        "Start below this, or back at the resting level.",
    ),
    _limit(
        "--max-load",
        read_percentage,
        "P%|none",
        DEFAULT_MAX_LOAD,
        "Start when others take at most so much of one core.",
    ),
    _limit(
        "--min-battery",
        read_charge,
        "P%|none",
        DEFAULT_MIN_BATTERY,
        "Start with at least this charge, on battery.",
    ),
    click.option(
        "--start-deadline",
        "start_deadline_ms",
        type=Converted("duration", parse_latency_ms),
        metavar="TIME",
        default=DEFAULT_DEADLINE,
        show_default=True,
        help="The longest that one start may wait for these three; all of a sweep on a device "
        "together may wait for a tenth of its time, at least 60 s. Then it starts all the same, "
        "and its figure is disturbed.",
    ),
    click.option(
        "--strict-start",
        is_flag=True,
        help="Fail instead of starting before the device is ready; each start waits by itself.",
    ),
)
