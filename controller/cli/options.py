"""Options and arguments that several commands share, and how their values are read."""

import functools
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from platformdirs import user_data_path

from controller.domain import Runtime
from controller.errors import EdgerankError, ErrorCode
from controller.planning import find_backbone
from models.catalog import Backbone, Catalog, load_catalog
from models.tiers import Tier, select_tier
from models.variants import WeightsKind

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7700

Command = TypeVar("Command", bound=Callable[..., Any])
ChoiceT = TypeVar("ChoiceT", bound=Enum)


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
    return _member(Tier, "tier", text)


def read_runtime(text: str) -> Runtime:
    """The runtime of this name.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    return _member(Runtime, "runtime", text)


def read_runtimes(text: str) -> tuple[Runtime, ...]:
    """The runtimes of "NAME,NAME", each once."""
    return tuple(dict.fromkeys(read_runtime(part) for part in _parts(text)))


def read_threads(text: str) -> tuple[int, ...]:
    """The thread counts of "1,2", each once.

    Raises:
        EdgerankError: INVALID_INPUT for what is no whole number above 0.
    """
    parts = _parts(text)
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{text!r} are no thread counts; write them as 1 or 1,2,4"
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def read_percentage(text: str) -> float:
    """The fraction of "2%": 0.02.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
    except ValueError:
        pass
    raise EdgerankError(ErrorCode.INVALID_INPUT, f"{text!r} is no percentage; write it as 2%")


def read_devices(text: str) -> tuple[str, ...]:
    """The names of "NAME,NAME"; empty for "all"."""
    return () if text == "all" else tuple(dict.fromkeys(_parts(text)))


def _member(choices: type[ChoiceT], kind: str, text: str) -> ChoiceT:
    try:
        return choices(text)
    except ValueError as error:
        known = ", ".join(choice.value for choice in choices)
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no {kind} is named {text!r}; there are {known}"
        ) from error


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
        type=click.Choice([kind.value for kind in WeightsKind]),
        default=default.value,
        show_default=True,
        help="pretrained: as published, fetched once. synthetic: seeded and calibrated, no "
        "network; the structure's latency, never its accuracy.",
    )


tier_option = click.option(
    "--tier",
    type=Converted("tier", read_tier),
    metavar="TIER",
    help="mobile, desktop or server.",
)
