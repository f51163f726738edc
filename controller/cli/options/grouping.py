"""Groups of options: titled in a command's help, given to the command as one value."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import cloup

from controller.cli.options.failures import Command


def option_group(
    title: str, argument: str, make: Callable[..., object], *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """The options below a title of the help; the command takes them as one `argument`.

    It is what `make`, a dataclass or a function, makes of them. Each option's value goes to the
    parameter of `make` that has the option's name.
    """
    names = tuple(inspect.signature(make).parameters)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            made = make(**{name: kwargs.pop(name) for name in names})
            return command(*args, **kwargs, **{argument: made})

        return cloup.option_group(title, *options)(run)  # type: ignore[return-value]

    return decorate
