"""Groups of options: titled in a command's help, given to the command as one value."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

import click

from controller.cli.options.failures import Command

_TITLES: Final = "option_titles"
"""The attribute of a command's function that has the title of each grouped option."""


class GroupedCommand(click.Command):
    """A command whose help shows its options below the titles of their groups."""

    def get_help(self, ctx: click.Context) -> str:
        """The help as cloup lays it out."""
        # It takes a tenth of a command's start, and does nothing but this.
        import cloup  # noqa: PLC0415 - as said above

        _group_options(self)
        shown = cloup.Command(self.name, params=self.params, help=self.help)
        return shown.get_help(cloup.Context(shown, parent=ctx.parent, info_name=ctx.info_name))


class GroupedCommands(click.Group):
    """A command with others below it, whose help shows its options as a `GroupedCommand` does."""

    def get_help(self, ctx: click.Context) -> str:
        """The help as cloup lays it out."""
        import cloup  # noqa: PLC0415 - as above

        _group_options(self)
        shown = cloup.Group(
            self.name,
            params=self.params,
            help=self.help,
            commands=self.commands,
            invoke_without_command=self.invoke_without_command,
        )
        return shown.get_help(cloup.Context(shown, parent=ctx.parent, info_name=ctx.info_name))


def _group_options(command: click.Command) -> None:
    """Put each option into cloup's group of its title."""
    import cloup  # noqa: PLC0415 - as above

    titles: dict[str, str] = getattr(command.callback, _TITLES, {})
    groups = {title: cloup.OptionGroup(title) for title in titles.values()}
    for param in command.params:
        if param.name in titles:
            vars(param)["group"] = groups[titles[param.name]]


def option_group(
    title: str, argument: str, make: Callable[..., object], *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """The options below a title of the help; the command takes them as one `argument`.

    It is what `make`, a dataclass or a function, makes of them. Each option's value goes to the
    parameter of `make` that has the option's name. Titles are shown by a `GroupedCommand`.
    """
    names = tuple(inspect.signature(make).parameters)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            made = make(**{name: kwargs.pop(name) for name in names})
            return command(*args, **kwargs, **{argument: made})

        vars(run)[_TITLES] = getattr(command, _TITLES, {}) | dict.fromkeys(names, title)
        for option in reversed(options):
            option(run)
        return run  # type: ignore[return-value]

    return decorate
