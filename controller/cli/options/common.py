"""Options and arguments that several commands share, and how their values are read."""

import functools
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from platformdirs import user_data_path

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.names import find_backbone, find_choice
from controller.domain.rankings import INCLUDABLE
from controller.domain.sweeps import MAX_BATCH, MAX_MINUTES, MAX_THREADS
from models.catalog.catalog import IMAGENET, MAX_INPUT_SIZE, Backbone, Catalog, load_catalog
from models.catalog.tiers import Tier, select_tier
from models.catalog.variants import Precision, WeightsKind
from protos.runtimes import Runtime

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7700

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandFailed(click.ClickException):
    """A typed failure at the command line's edge, with its exit code."""

    def __init__(self, error: EdgerankError) -> None:
        super().__init__(str(error))
        self._error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """The failure's."""
        return self._error.exit_code


def says_failures(command: Command) -> Command:
    """Turns an EdgerankError of a command into its sentence and exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except EdgerankError as error:
            raise CommandFailed(error) from error

    return run  # type: ignore[return-value]


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


def default_state_dir() -> Path:
    """Where a controller keeps its state unless told otherwise."""
    return user_data_path("edgerank") / "controller"


def read_backbones(text: str, catalog: Catalog) -> tuple[Backbone, ...]:
    """The backbones of "NAME,NAME" or "tier:TIER", or of a mixture, each once.

    Raises:
        EdgerankError: UNKNOWN_NAME for a wrong name, with the nearest right ones.
    """
    chosen: dict[str, Backbone] = {}
    for part in _parts(text):
        kind, _, rest = part.partition(":")
        found = (
            select_tier(catalog, read_tier(rest))
            if kind == "tier"
            else [find_backbone(catalog, part)]
        )
        chosen.update((backbone.name, backbone) for backbone in found)
    return tuple(chosen.values())


def read_tier(text: str) -> Tier:
    """The tier of this name.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return find_choice(Tier, "tier", text)


def read_runtime(text: str) -> Runtime:
    """The runtime of this name.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return find_choice(Runtime, "runtime", text)


def read_runtimes(text: str) -> tuple[Runtime, ...]:
    """The runtimes of "NAME,NAME", each once."""
    return tuple(dict.fromkeys(read_runtime(part) for part in _parts(text)))


def read_precisions(text: str) -> tuple[Precision, ...]:
    """The precisions of "fp32,fp16", each once; "all" is every one.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    if text == "all":
        return tuple(Precision)
    return tuple(dict.fromkeys(find_choice(Precision, "precision", part) for part in _parts(text)))


def read_threads(text: str) -> tuple[int, ...]:
    """The thread counts of "1,2", each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too many.
    """
    return _counts("thread counts", text, MAX_THREADS)


def read_input_sizes(text: str) -> tuple[int, ...]:
    """The heights and widths of "192,256", pixels, each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is none, or too large.
    """
    return _counts("input sizes", text, MAX_INPUT_SIZE)


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
    with suppress(ValueError):
        if text.endswith("%") and math.isfinite(number := float(text[:-1])):
            return number / 100
    raise EdgerankError(ErrorCode.INVALID_INPUT, f"{text!r} is no percentage; write it as 2%")


def read_included(text: str) -> tuple[Verdict, ...]:
    """The verdicts of "noisy,unstable" that count besides ok, the mildest first, each once.

    Raises:
        EdgerankError: UNKNOWN_NAME for one that cannot be included.
    """
    wanted = _parts(text)
    known = [verdict.value for verdict in INCLUDABLE]
    for name in wanted:
        if name not in known:
            raise EdgerankError(
                ErrorCode.UNKNOWN_NAME,
                f"{name!r} is no verdict that can be included; there are {', '.join(known)} "
                "(ok always counts, and what failed has no figure)",
            )
    return tuple(verdict for verdict in INCLUDABLE if verdict.value in wanted)


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
    """The names of "NAME,NAME"; empty for "all"."""
    return () if text == "all" else tuple(dict.fromkeys(_parts(text)))


def _counts(kind: str, text: str, maximum: int) -> tuple[int, ...]:
    parts = _parts(text)
    # More digits than this are beyond every maximum, and beyond what Python turns into a number.
    if not all(part.isdecimal() and len(part) < 10 and 1 <= int(part) <= maximum for part in parts):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!r} are no {kind} from 1 to {maximum}; write them as 1 or 1,2,4",
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise EdgerankError(ErrorCode.INVALID_INPUT, "the list is empty; write NAME or NAME,NAME")
    return parts


def complete_backbones(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the last name of a comma-separated list of backbones."""
    done, comma, begun = incomplete.rpartition(",")
    names = [backbone.name for backbone in load_catalog()]
    names += [f"tier:{tier.value}" for tier in Tier]
    return [CompletionItem(f"{done}{comma}{name}") for name in names if name.startswith(begun)]


controller_option = click.option(
    "--controller",
    "address",
    metavar="HOST:PORT",
    default=f"{DEFAULT_HOST}:{DEFAULT_PORT}",
    show_default=True,
    envvar="EDGERANK_CONTROLLER",
    show_envvar=True,
    help="The controller to ask.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON (see docs/json.md).")


def weights_option(default: WeightsKind) -> Callable[[Command], Command]:
    """The option --weights, with the command's own default."""
    return click.option(
        "--weights",
        type=click.Choice([WeightsKind.PRETRAINED.value, WeightsKind.SYNTHETIC.value]),
        default=default.value,
        show_default=True,
        help="pretrained: as published, fetched once. synthetic: seeded and calibrated, no "
        "network; the structure's latency, never its accuracy. An own model has its own.",
    )


accuracy_option = click.option(
    "--accuracy",
    "accuracy_dataset",
    metavar="DATASET",
    default=IMAGENET,
    show_default=True,
    help="Whose accuracy counts (see 'edgerank accuracy list').",
)
include_option = click.option(
    "--include",
    type=Converted("verdicts", read_included),
    metavar="VERDICT,VERDICT",
    default=(),
    help=f"Count figures of other verdicts than ok too: "
    f"{', '.join(verdict.value for verdict in INCLUDABLE)}.",
)
at_minute_option = click.option(
    "--at-minute",
    type=click.IntRange(1, MAX_MINUTES),
    metavar="N",
    help="Only what was swept with --sustained, by its figures of this minute.",
)
tier_option = click.option(
    "--tier",
    type=Converted("tier", read_tier),
    metavar="TIER",
    help="mobile, desktop or server.",
)


def variant_options(command: Command) -> Command:
    """The options --precisions, --input-size and --batch, which say what variants are wanted."""
    precisions = click.option(
        "--precisions",
        type=Converted("precisions", read_precisions),
        metavar="NAME,NAME|all",
        default=Precision.FP32.value,
        show_default=True,
        help=f"Of {', '.join(precision.value for precision in Precision)}, "
        "those that a format has for its target.",
    )
    input_sizes = click.option(
        "--input-size",
        "input_sizes",
        type=Converted("sizes", read_input_sizes),
        metavar="PX,PX",
        help=f"Heights and widths of the input, at most {MAX_INPUT_SIZE}.  "
        "[default: each backbone's evaluation size]",
    )
    batches = click.option(
        "--batch",
        "batches",
        type=Converted("batches", read_batches),
        metavar="N,N",
        default="1",
        show_default=True,
        help=f"Images per inference, at most {MAX_BATCH}.",
    )
    return precisions(input_sizes(batches(command)))
