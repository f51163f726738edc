"""`edgerank login` and `edgerank logout`: a controller that asks for tokens."""

import sys
from pathlib import Path

import click

from controller.cli.options.failures import says_failures
from controller.client import AccessClient
from controller.client.logins import Login, find_login, forget_login, keep_login
from controller.client.presenting import login_by_token
from controller.domain.errors import EdgerankError, ErrorCode


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.option(
    "--token",
    "source",
    metavar="@FILE|-",
    help="File of the token, or - for standard input; asked for without it. The token itself is no "
    "argument: others on this machine can read those.",
)
@says_failures
def login(address: str, source: str | None) -> None:
    """Keep the token of a controller, and ask it from here on.

    A token comes from 'edgerank access create', where the controller runs. It is kept in a file
    that only you can read.

    \b
    Examples:
      edgerank login lab:7700
      edgerank login lab:7700 --token @token.txt
    """
    presented = login_by_token(address, _read(source))
    before = _kept(address)
    keep_login(address, presented)
    try:
        with AccessClient(address) as client:
            caller = client.who_am_i()
    except EdgerankError:
        forget_login(address)
        if before is not None:
            keep_login(address, before)
        raise
    scopes = ", ".join(scope.value for scope in caller.scopes)
    click.echo(f"logged in at {address} as {caller.caller_name} ({scopes})")


@click.command()
@click.argument("address", metavar="HOST:PORT")
@says_failures
def logout(address: str) -> None:
    """Forget the token of a controller.

    It stays good until it is revoked there.

    \b
    Example:
      edgerank logout lab:7700
    """
    if not forget_login(address):
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"nobody is logged in at {address} here")
    click.echo(f"logged out at {address}")


def _read(source: str | None) -> str:
    if source is None:
        return str(click.prompt("Token", hide_input=True))
    if source == "-":
        return sys.stdin.readline()
    if not source.startswith("@"):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "others on this machine can read arguments; write @FILE, or - for standard input",
        )
    try:
        return Path(source[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{source[1:]} cannot be read: {why}; name the file that has the line of the token",
        ) from error


def _kept(address: str) -> Login | None:
    """How the controller is known until now; None also where that cannot be read."""
    try:
        return find_login(address)
    except EdgerankError:
        return None
