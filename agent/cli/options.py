"""What a person says to `edgerank agent`, read, or refused with how to write it."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from agent.cli.naming import NamingRefused, check_device_name, check_labels
from agent.errors import INPUT_EXIT_CODE, AgentError
from protos.joining import JoinToken, TokenInvalid, parse_join_token
from protos.names import is_name
from protos.names.quantities import BYTES_PER_UNIT, QuantityUnreadable, read_quantity

_ADDRESS: Final = re.compile(r"\S+:(\d{1,5})")
_SIZE_EXAMPLES: Final = "4GB, 500MB or 2GiB"


class NoToken(AgentError):
    """What was given as a token is none."""

    exit_code = INPUT_EXIT_CODE


def parse_address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The address of HOST:PORT as it is, if one was given."""
    if value is None:
        return None
    match = _ADDRESS.fullmatch(value)
    if match is None or not 1 <= int(match[1]) <= 65_535:
        raise click.BadParameter(f"{value} is no address: write HOST:PORT, as in 127.0.0.1:7700")
    return value


def parse_labels(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> Mapping[str, str] | None:
    """The labels of "KEY=VALUE"; none of "", and None where nothing was said of them."""
    if not values:
        return None
    labels = {}
    for value in values if values != ("",) else ():
        key, equals, text = value.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{value} is no label: write KEY=VALUE, as in room=lab")
        labels[key] = text
    try:
        check_labels(labels)
    except NamingRefused as error:
        raise click.BadParameter(str(error)) from error
    return labels


def parse_name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The name as it is, if a device may have it, and if one was given."""
    try:
        if value is not None:
            check_device_name(value)
    except NamingRefused as error:
        raise click.BadParameter(str(error)) from error
    return value


def parse_emulator(_: click.Context, __: click.Parameter, value: str) -> str:
    """What computes in the device's place, by a name as devices have them; empty is nothing."""
    if value and not is_name(value):
        raise click.BadParameter(
            f"{value} names no emulator: write letters, digits, '.', '_' and '-', as in qemu-system"
        )
    return value


def parse_size_bytes(_: click.Context, __: click.Parameter, value: str) -> int:
    """The bytes of "4GB"."""
    try:
        return max(1, round(read_quantity(value, "a size", BYTES_PER_UNIT, _SIZE_EXAMPLES)))
    except QuantityUnreadable as error:
        raise click.BadParameter(str(error)) from error


def read_token(value: str) -> JoinToken:
    """The token of "@FILE", of standard input for "-", or as it stands.

    Raises:
        NoToken: there is none.
    """
    try:
        if value == "-":
            value = sys.stdin.readline()
        elif value.startswith("@"):
            value = Path(value[1:]).read_text(encoding="utf-8")
        return parse_join_token(value)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise NoToken(
            f"the token's file {value[1:]} cannot be read: {why}; name the file that has its line"
        ) from error
    except TokenInvalid as error:
        raise NoToken(
            f"this is no token to join by: {error}; copy the whole line that 'edgerank token "
            "create' printed"
        ) from error
