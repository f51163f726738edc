"""The board that a command is for: how it is named, reached, and known."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from controller.cli.interrupting import heard_by_a_loop
from controller.cli.operating.deploying.steps import Steps
from controller.cli.options.values import Converted
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.host_keys import HostKey
from controller.server.deploying.ssh import Shell, Target, logged_in

_HOST: Final = re.compile(r"(?:([^\s@:/]+)@)?([^\s@/-][^\s@/]*)")
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")

AnswerT = TypeVar("AnswerT")


def read_target(text: str) -> Target:
    """The board of USER@HOST.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    match = _HOST.fullmatch(text)
    if match is None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!a} is no board: write USER@HOST, as pi@raspberrypi.local, or an alias of "
            "~/.ssh/config",
        )
    return Target(host=match[2], user=match[1])


def read_fingerprint(text: str) -> str:
    """The fingerprint of a host key, as it is.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    if _FINGERPRINT.fullmatch(text) is None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{text!a} is no fingerprint: write SHA256: and 43 letters, as 'ssh-keygen -lf "
            "/etc/ssh/ssh_host_ed25519_key.pub' prints it on the board",
        )
    return text


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the board, and how it is reached; the command is given all as `target`."""

    @click.argument("board", metavar="USER@HOST", type=Converted("board", read_target))
    @click.option("--port", type=click.IntRange(1, 65_535), help="Where its SSH server listens.")
    @click.option(
        "--identity",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The private key to log in by.  [default: those that ssh takes]",
    )
    @click.option(
        "--host-key",
        metavar="SHA256:...",
        type=Converted("fingerprint", read_fingerprint),
        help="The fingerprint of its host key, where nobody can be asked.",
    )
    @wraps(command)
    def run(
        *args: Any,
        board: Target,
        port: int | None,
        identity: Path | None,
        host_key: str | None,
        **kwargs: Any,
    ) -> Any:
        target = replace(board, port=port, identity=identity, host_key=host_key)
        return command(*args, target=target, **kwargs)

    return run


def on_board(target: Target, work: Callable[[Shell, Steps], Awaitable[AnswerT]]) -> AnswerT:
    """What is done on a board while somebody is logged in there.

    Raises:
        EdgerankError: as `logged_in`, and what the work raises.
    """

    async def logged_in_and_done() -> AnswerT:
        async with Steps().told() as steps, logged_in(target, _ask) as shell:
            return await work(shell, steps)

    with heard_by_a_loop():
        return asyncio.run(logged_in_and_done())


def _ask(key: HostKey) -> bool:
    """Whether a person takes a key; without a terminal nobody does."""
    if not sys.stdin.isatty():
        return False
    click.echo(f"{key.host} is not known; its {key.algorithm} key is {key.fingerprint}", err=True)
    return click.confirm("Does the board say the same of itself?", default=False, err=True)
