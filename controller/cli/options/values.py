"""What the words of options and arguments are read into."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar

import click

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.names import find_choice
from controller.domain.quantities import QuantityInvalid, parse_time_ms
from controller.domain.rankings import WITH_FIGURES, Merit
from controller.domain.sweeps import MAX_MINUTES, MAX_REPETITIONS, MAX_THREADS
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from models.catalog.variants import Target
from protos.inputs import MAX_BATCH, MAX_SIDE, MAX_VALUES, ImageSize, InputValues, parse_size
from protos.names import EVERY_DEVICE
from protos.runtimes import Runtime

EVERY: Final = "all"
"""What means every one."""


class Converted(click.ParamType[Any]):
    """An option's value, read by a function that raises EdgerankError."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; a usage error with our sentence where it cannot be read."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except EdgerankError as error:
            self.fail(str(error), param, ctx)


EnumT = TypeVar("EnumT", bound=Enum)


class OneOf(click.Choice[EnumT]):
    """One of some members of an enum, by its value."""

    def normalize_choice(
        self,
        choice: object,
        ctx: click.Context | None,  # noqa: ARG002 - click passes it
    ) -> str:
        """The member's value; what was typed as it stands."""
        return str(choice.value if isinstance(choice, Enum) else choice)


def read_label(text: str) -> tuple[str, str]:
    """The key and the value of "room=lab".

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{key + equals} is no label: write KEY=VALUE, as in room=lab",
        )
    return key, value


def read_share(text: str) -> tuple[str, float]:
    """The device and how much it counts of "phone=3".

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    name, _, number = text.rpartition("=")
    with suppress(ValueError):
        share = float(number)
        if name and 0 < share < math.inf:
            return name, share
    raise EdgerankError(
        ErrorCode.INVALID_INPUT,
        f"{text} is no share: write DEVICE=NUMBER with a number above 0, as in phone=3",
    )


def read_tier(text: str) -> Tier:
    """The tier of this name.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return find_choice(Tier, "tier", text)


def read_merit(text: str) -> Merit:
    """What the winner is chosen by.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return find_choice(Merit, "merit", text)


def read_runtime(text: str) -> Runtime:
    """The runtime of this name.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return find_choice(Runtime, "runtime", text)


def read_runtimes(text: str) -> tuple[Runtime, ...]:
    """The runtimes of "NAME,NAME", each once."""
    return tuple(dict.fromkeys(read_runtime(part) for part in read_list(text)))


def read_accelerators(text: str) -> tuple[Target, ...]:
    """The accelerators of "opencl,nnapi", each once."""
    return tuple(dict.fromkeys(find_choice(Target, "target", part) for part in read_list(text)))


def read_precisions(text: str) -> tuple[Precision, ...]:
    """The precisions of "fp32,fp16", each once; "all" is every one.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    parts = read_list(text)
    if EVERY in parts:
        return tuple(Precision)
    return tuple(dict.fromkeys(find_choice(Precision, "precision", part) for part in parts))


def read_threads(text: str) -> tuple[int, ...]:
    """The thread counts of "1,2", each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too many.
    """
    return _counts("thread counts", text, MAX_THREADS)


def read_input_size(text: str) -> ImageSize:
    """The size of "224", a square, or "192x48", height x width, in pixels.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too large.
    """
    try:
        return parse_size(text)
    except ValueError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!r} is no input size: write 224 for a square, 192x48 for height x width, each "
            f"1 to {MAX_SIDE} pixels",
        ) from error


def read_input_sizes(text: str) -> tuple[ImageSize, ...]:
    """The sizes of "192,256,192x48", each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too large.
    """
    return tuple(dict.fromkeys(read_input_size(part) for part in read_list(text)))


def read_input_values(text: str) -> InputValues:
    """The name and the values of "scale_factor=1,1".

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too many values.
    """
    name, _, values = text.rpartition("=")
    try:
        return InputValues(name=name.strip(), values=tuple(map(float, values.split(","))))
    except ValueError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text[:80]!r} are no values of an input: write NAME=VALUE or NAME=VALUE,VALUE, with "
            f"at most {MAX_VALUES} numbers",
        ) from error


def read_batches(text: str) -> tuple[int, ...]:
    """The images per inference of "1,4", each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too many.
    """
    return _counts("batches", text, MAX_BATCH)


def read_percentage(text: str) -> float:
    """The fraction of "2%": 0.02.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    with suppress(ArithmeticError):
        # Not by 100 in floats: 7 % is 0.07, and written back it is 7 %.
        if text.endswith("%") and math.isfinite(number := float(Decimal(text[:-1]) / 100)):
            return number
    raise EdgerankError(ErrorCode.INVALID_INPUT, f"{text!r} is no percentage; write it as 2%")


def read_only(text: str) -> tuple[Verdict, ...]:
    """The verdicts of "ok,wide" that alone count, the best first, each once.

    Raises:
        EdgerankError: UNKNOWN_NAME for one that no figure has.
    """
    wanted = read_list(text)
    known = [verdict.value for verdict in WITH_FIGURES]
    for name in wanted:
        if name not in known:
            raise EdgerankError(
                ErrorCode.UNKNOWN_NAME,
                f"{name!r} is no verdict of a figure; there are {', '.join(known)}",
            )
    return tuple(verdict for verdict in WITH_FIGURES if verdict.value in wanted)


def read_repetitions(text: str) -> tuple[int, int]:
    """The fewest and the most of "3-10"; "5" is five in any case.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, too many, or more at least than at most.
    """
    fewest, dash, most = text.partition("-")
    bounds = (fewest, most) if dash else (fewest, fewest)
    # More digits than this are beyond the maximum, and beyond what Python turns into a number.
    if all(bound.isdecimal() and len(bound) < 10 for bound in bounds):
        least, largest = map(int, bounds)
        if 1 <= least <= largest <= MAX_REPETITIONS:
            return least, largest
    raise EdgerankError(
        ErrorCode.INVALID_INPUT,
        f"{text!r} is no number of repetitions from 1 to {MAX_REPETITIONS}; write 3-10, or 5",
    )


def read_minutes(text: str) -> int:
    """The whole minutes of "10m".

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too many.
    """
    number = text[:-1]
    # More digits than this are beyond the maximum, and beyond what Python turns into a number.
    if text.endswith("m") and number.isdecimal() and len(number) < 10:
        minutes = int(number)
        if 1 <= minutes <= MAX_MINUTES:
            return minutes
    raise EdgerankError(
        ErrorCode.INVALID_INPUT,
        f"{text!r} is no time of sustained inference; write 1m to {MAX_MINUTES}m, in whole minutes",
    )


def read_devices(text: str) -> tuple[str, ...]:
    """The names and labels of "NAME,soc=rk3588", each once; empty for "all"."""
    parts = read_list(text)
    return () if EVERY_DEVICE in parts else tuple(dict.fromkeys(parts))


def read_deadline(text: str) -> int:
    """The moment of "2026-11-27T06:00", in UTC unless it says otherwise, or of "8h" from now.

    Returns:
        ms since 1970 UTC.

    Raises:
        EdgerankError: INVALID_INPUT for what is neither.
    """
    with suppress(QuantityInvalid):
        return round(time.time() * 1_000) + parse_time_ms(text)
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return round(zoned.timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!r} is no deadline; write 2026-11-27T06:00 in UTC, 2026-11-27T06:00+01:00, or "
            "8h from now",
        ) from error


def _counts(kind: str, text: str, maximum: int) -> tuple[int, ...]:
    parts = read_list(text)
    # More digits than this are beyond every maximum, and beyond what Python turns into a number.
    if not all(part.isdecimal() and len(part) < 10 and 1 <= int(part) <= maximum for part in parts):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!r} are no {kind} from 1 to {maximum}; write them as 1 or 1,2,4",
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def read_list(text: str) -> list[str]:
    """The parts of "NAME,NAME".

    Raises:
        EdgerankError: INVALID_INPUT for none.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise EdgerankError(ErrorCode.INVALID_INPUT, "the list is empty; write NAME or NAME,NAME")
    return parts
