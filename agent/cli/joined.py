"""Who a person says that a device is, where its state is, and how the controller is reached."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import click

from agent.bridge.adb.server import server_here
from agent.bridge.life import FleetSide, Wish
from agent.bridge.serving import serve_phones
from agent.cli.calling import Calling
from agent.clock import now_unix_ms
from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.link.identity import load_identity
from agent.link.joining import become_member
from agent.link.line import Line
from agent.state_folder import device_id
from protos.joining import JoinToken
from protos.runtimes import RuntimeInfo
from protos.traces import Spans

_THREADS: Final = 256


class NoController(AgentError):
    """Nobody said where the controller is."""

    exit_code = INPUT_EXIT_CODE


@dataclass(frozen=True)
class Way:
    """How the controller is reached, as a person says it."""

    controller: str | None
    token: JoinToken | None
    connect_timeout_s: float


@dataclass(frozen=True)
class Who:
    """What a person says of the device."""

    calling: Calling
    replace: bool
    emulated_by: str


@dataclass(frozen=True)
class Kept:
    """Where the agent keeps what it has, and how much of that artifacts may be."""

    folder: Path
    cache_bytes: int


async def line_to(way: Way, folder: Path) -> tuple[Line, str]:
    """The way to the controller, and who this device is to it.

    Raises:
        NoController: nobody said where it is.
        AgentError: the device could not join.
    """
    identity = load_identity(folder)
    if way.token is not None:
        identity = await become_member(way.token, identity, folder)
    if identity is not None:
        # Whoever has a certificate is somebody by it alone.
        addresses = (way.controller,) if way.controller else identity.addresses
        return Line(addresses, identity, folder, now_unix_ms), identity.device_id
    if way.controller is None:
        raise NoController(
            "this device is in no fleet yet: name a controller on this machine with --controller "
            "HOST:PORT, or join one on a network with --join and a token of 'edgerank token "
            "create'"
        )
    return Line((way.controller,), None, folder, now_unix_ms), device_id(folder)


async def _line_of_phone(way: Way, folder: Path) -> tuple[Line, str]:
    """As `line_to`; a phone that has joined stays who it is, whatever token the bridge has."""
    has_joined = load_identity(folder) is not None
    return await line_to(replace(way, token=None) if has_joined else way, folder)


async def serve_here(adb: str, wish: Wish, side: FleetSide) -> None:
    """Serve the phones that hang on this computer, until a signal ends it."""
    # Each phone that measures, or waits for its hub, holds one; others are looked at meanwhile.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    await serve_phones(server_here(), adb, wish, side, stopped_by_signals())


def fleet_side(way: Way, who: Who, kept: Kept, spans: Spans, *, is_named: bool) -> FleetSide:
    """How phones are presented; one that nobody named is called by its model."""

    def connected(address: str, name: str, runtimes: tuple[RuntimeInfo, ...]) -> None:
        click.echo(f"connected to {address} as {name} ({listed(runtimes)})")

    return FleetSide(
        line=partial(_line_of_phone, way),
        folder=kept.folder,
        # The host's name is that of the computer.
        name=who.calling.name if is_named else None,
        labels=who.calling.labels,
        replace=who.replace,
        emulated_by=who.emulated_by,
        cache_bytes=kept.cache_bytes,
        connect_timeout_s=way.connect_timeout_s,
        connected=connected,
        spans=spans,
    )


def stopped_by_signals() -> asyncio.Event:
    """What is set when somebody ends this process."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    return stop


def listed(runtimes: tuple[RuntimeInfo, ...]) -> str:
    """The runtimes in a line."""
    return ", ".join(
        f"{each.runtime.value} {each.version}{' broken' if each.last_words else ''}"
        for each in runtimes
    )
