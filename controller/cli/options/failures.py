"""A command's failure as its sentence and exit code."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from controller.domain.errors import EdgerankError, ErrorCode
from protos.codec import MessageInvalid

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
    """Turns what a command fails with into its sentence and exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except EdgerankError as error:
            raise CommandFailed(error) from error
        except MessageInvalid as error:
            raise CommandFailed(EdgerankError(ErrorCode.EXECUTION, str(error))) from error

    return run  # type: ignore[return-value]
