"""`edgerank agent`: joins a controller's fleet and measures."""

import asyncio
import os
import platform
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import click
import platformdirs

from agent.artifacts.cache import DEFAULT_LIMIT, ArtifactCache
from agent.cli.options import (
    parse_address,
    parse_emulator,
    parse_labels,
    parse_name,
    parse_size_bytes,
    read_token,
)
from agent.cli.runtimes import Found, found_runtimes, paddlelite_python_option
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.profile import HostFacts, read_device_profile
from agent.errors import EXECUTION_EXIT_CODE, INPUT_EXIT_CODE, AgentError
from agent.link.connection import DEFAULT_CONNECT_TIMEOUT_S, Connection, Introduction
from agent.link.dialling import NameTaken
from agent.link.identity import load_identity
from agent.link.joining import become_member
from agent.link.kept.spool import Spool
from agent.link.line import Line
from agent.measuring.gate_watch import GateWatch
from agent.measuring.introspection import describe_runtimes
from agent.measuring.measurer import CHILD_COMMAND, Measurer, most_of_available_memory
from agent.state_folder import device_id, locked_state_folder
from agent.threads import check_threads
from protos.codec import MessageInvalid
from protos.joining import JoinToken
from protos.log_lines import LogFormat, about, log_to_stderr
from protos.runtimes import RuntimeInfo
from protos.traces import Spans, opened_spans
from sandbox.layers import enforceable

_TAKING_OVER = (
    "; if it is the same device, whose state folder is new, allow it with 'edgerank devices "
    "replace {name}' and start this agent with --replace"
)


@dataclass(frozen=True)
class _Who:
    """What a person says of the device."""

    name: str
    labels: Mapping[str, str]
    replace: bool
    emulated_by: str


@dataclass(frozen=True)
class _Kept:
    """Where the agent keeps what it has, and how much of that artifacts may be."""

    folder: Path
    cache_bytes: int


class NoController(AgentError):
    """Nobody said where the controller is."""

    exit_code = INPUT_EXIT_CODE


@dataclass(frozen=True)
class Way:
    """How the controller is reached, as a person says it."""

    controller: str | None
    token: JoinToken | None
    connect_timeout_s: float


class CommandFailed(click.ClickException):
    """An agent's error as the command line shows it."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        # The class's own exit_code, 1, is for all errors of click.
        vars(self)["exit_code"] = exit_code


@click.command(
    epilog="""\b
Examples:
  edgerank agent --controller 127.0.0.1:7700
  edgerank agent --join @token.txt --name pixel-6 --label room=lab --label soc=tensor
  edgerank agent --controller 127.0.0.1:7700 --name board --replace
  edgerank agent --cache-size 500MB
  edgerank agent
"""
)
@click.option(
    "--controller",
    metavar="HOST:PORT",
    callback=parse_address,
    help="Where the controller listens.  [default: where this device joined]",
)
@click.option(
    "--join",
    "token",
    metavar="@FILE|-|TOKEN",
    help="The token of 'edgerank token create': in a file, or - for standard input; as an argument "
    "everybody on this device can read it. Once used it may be named again.",
)
@click.option(
    "--name",
    default=socket.gethostname,
    callback=parse_name,
    help="What people call this device; unique.  [default: the host's name]",
)
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    callback=parse_labels,
    help="Anything worth knowing of the device; repeatable.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for identity, artifacts and unsent reports.  [default: the user's data folder]",
)
@click.option(
    "--cache-size",
    "cache_bytes",
    metavar="SIZE",
    callback=parse_size_bytes,
    default=DEFAULT_LIMIT,
    show_default=True,
    help="How much of the state folder fetched artifacts may take; those used longest ago go "
    "first, and never one that is being measured.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Take over the device of this name, which 'edgerank devices replace' has to allow.",
)
@click.option(
    "--emulated",
    "emulated_by",
    metavar="WHAT",
    default="",
    callback=parse_emulator,
    help="Mark this device as emulated by WHAT, as in qemu-system: what it measures is ranked only "
    "where somebody asks for it. qemu-user is found without this.",
)
@paddlelite_python_option
@click.option(
    "--connect-timeout",
    "connect_timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_CONNECT_TIMEOUT_S,
    show_default=True,
    help="How long to look for the controller at the start.",
)
@click.option(
    "--log-format",
    type=click.Choice([each.value for each in LogFormat]),
    default=LogFormat.TEXT.value,
    show_default=True,
    help="How the log is written where standard error is no terminal: text is key=value.",
)
def agent(
    *,
    controller: str | None,
    token: str | None,
    name: str,
    labels: Mapping[str, str],
    state: Path | None,
    cache_bytes: int,
    replace: bool,
    emulated_by: str,
    paddlelite_python: Path | None,
    connect_timeout_s: float,
    log_format: str,
) -> None:
    """Join a controller's fleet and measure what it sends.

    The agent dials out, keeps the connection, and reports every measurement until the controller
    has it. Ctrl-C ends it; what was not delivered is delivered at the next start.

    A controller on this machine is named by --controller. One on a network lets a device in by
    --join, once: the device makes a key, gets a certificate for it, renews that by itself, and
    needs neither option at its next start.
    """
    log_to_stderr(LogFormat(log_format))
    folder = state or platformdirs.user_data_path("edgerank") / "agent"
    try:
        check_threads()
        joining = None if token is None else read_token(token)
        way = Way(controller, joining, connect_timeout_s)
        with about(device=name):
            who = _Who(name, labels, replace, emulated_by)
            kept = _Kept(folder.absolute(), cache_bytes)
            found = found_runtimes(paddlelite_python)
            with opened_spans("edgerank-agent") as spans:
                asyncio.run(_serve(way, who, kept, found, spans))
    except NameTaken as error:
        # One that asked already was told what is in its way.
        advice = "" if replace else _TAKING_OVER.format(name=name)
        raise CommandFailed(f"{error}{advice}", error.exit_code) from error
    except AgentError as error:
        raise CommandFailed(str(error), error.exit_code) from error
    except MessageInvalid as error:
        raise CommandFailed(str(error), EXECUTION_EXIT_CODE) from error


async def _serve(way: Way, who: _Who, kept: _Kept, found: Found, spans: Spans) -> None:
    folder = kept.folder
    host, roots = _host_facts(who.emulated_by), Roots()
    gate_watch = GateWatch()
    # Before anything has warmed the processor up.
    gate_watch.look()
    with locked_state_folder(folder):
        runtimes = describe_runtimes(
            found.runtimes,
            command=CHILD_COMMAND,
            memory_limit_bytes=most_of_available_memory(),
            proc_root=roots.proc,
            others=found.commands,
        )
        cache = ArtifactCache(folder / "artifacts", kept.cache_bytes)
        cache.trim()
        line, own_id = await _line(way, folder)
        spool = Spool(folder / "spool.sqlite")
        introduction = Introduction(
            device_id=own_id,
            name=who.name,
            labels=who.labels,
            profile=read_device_profile(roots, host, runtimes),
            replace=who.replace,
        )
        connection = Connection(
            line=line,
            introduction=introduction,
            measurer=Measurer(runtimes=runtimes, gate_watch=gate_watch, others=found.commands),
            cache=cache,
            spool=spool,
            kept=[folder, folder / "spool.sqlite"],
            now_unix_ms=now_unix_ms,
            connect_timeout_s=way.connect_timeout_s,
            spans=spans,
        )
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        greeting = f"as {introduction.name} ({_listed(runtimes)})"
        try:
            await connection.run(
                stop, on_connected=lambda: click.echo(f"connected to {line.address} {greeting}")
            )
        finally:
            spool.close()


async def _line(way: Way, folder: Path) -> tuple[Line, str]:
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


def _host_facts(emulated_by: str) -> HostFacts:
    return HostFacts(
        architecture=platform.machine(),
        system=platform.system(),
        kernel_release=platform.release(),
        hostname=socket.gethostname(),
        python_version=platform.python_version(),
        agent_version=metadata.version("edgerank"),
        usable_cpus=tuple(sorted(os.sched_getaffinity(0))),
        confinement=tuple(sorted(layer.value for layer in enforceable())),
        emulated_by=emulated_by,
    )


def _listed(runtimes: tuple[RuntimeInfo, ...]) -> str:
    return ", ".join(
        f"{each.runtime.value} {each.version}{' broken' if each.last_words else ''}"
        for each in runtimes
    )
