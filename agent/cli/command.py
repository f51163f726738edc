"""`edgerank agent`: joins a controller's fleet and measures."""

import asyncio
import os
import platform
import socket
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import platformdirs

from agent.artifacts.cache import DEFAULT_LIMIT, ArtifactCache
from agent.cli.calling import called, keep_calling
from agent.cli.joined import (
    Kept,
    Way,
    Who,
    fleet_side,
    line_to,
    listed,
    serve_here,
    stopped_by_signals,
)
from agent.cli.native import native_options
from agent.cli.options import (
    parse_address,
    parse_emulator,
    parse_labels,
    parse_name,
    parse_size_bytes,
    read_token,
)
from agent.cli.phones import phone_options, read_wish, refuse_for_phones
from agent.cli.runtimes import (
    Elsewhere,
    found_runtimes,
    paddlelite_bin_option,
    paddlelite_python_option,
)
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.profile import HostFacts, read_device_profile
from agent.errors import EXECUTION_EXIT_CODE, AgentError
from agent.link.connection import DEFAULT_CONNECT_TIMEOUT_S, Connection, Introduction
from agent.link.dialling import NameTaken
from agent.link.kept.spool import Spool
from agent.measuring.gate_watch import GateWatch
from agent.measuring.introspection import describe_runtimes
from agent.measuring.measurer import CHILD_COMMAND, Measurer, most_of_available_memory
from agent.measuring.native.finding import Chosen, NativeOptions
from agent.state_folder import locked_state_folder
from agent.threads import check_threads
from protos.codec import MessageInvalid
from protos.log_lines import LogFormat, about, log_to_stderr
from protos.traces import Spans, opened_spans
from sandbox.layers import enforceable

_TAKING_OVER = (
    "; if it is the same device, whose state folder is new, allow it with 'edgerank devices "
    "replace {name}' and start this agent with --replace"
)


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
  edgerank agent --controller 127.0.0.1:7700 --adb 1A2B3C4D --runner-folder runners
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
    callback=parse_name,
    help="What people call this device; unique.  [default: as before, at first the host's name]",
)
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    callback=parse_labels,
    help="Anything worth knowing of the device; repeatable; '' takes all away.  "
    "[default: as before]",
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
@paddlelite_python_option
@paddlelite_bin_option
@native_options
@phone_options
def agent(
    *,
    native: NativeOptions,
    adb: str | None,
    controller: str | None,
    token: str | None,
    name: str | None,
    labels: Mapping[str, str] | None,
    state: Path | None,
    cache_bytes: int,
    replace: bool,
    emulated_by: str,
    paddlelite_python: Path | None,
    paddlelite_bin: Path | None,
    connect_timeout_s: float,
    log_format: str,
    **phones: Any,
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
        calling = called(folder if adb is None else None, name, labels)
        check_threads()
        joining = None if token is None else read_token(token)
        way = Way(controller, joining, connect_timeout_s)
        # Of phones each is said by its own serial.
        with about(**({"device": calling.name} if adb is None else {})):
            who = Who(calling, replace, emulated_by)
            kept = Kept(folder.absolute(), cache_bytes)
            with opened_spans("edgerank-agent") as spans:
                if adb is None:
                    refuse_for_phones(**phones)
                    elsewhere = Elsewhere(python=paddlelite_python, program=paddlelite_bin)
                    chosen = found_runtimes(elsewhere, native, kept.folder)
                    asyncio.run(_serve(way, who, kept, chosen, spans))
                else:
                    side = fleet_side(way, who, kept, spans, is_named=name is not None)
                    wish = read_wish(paddlelite_bin=paddlelite_bin, **phones)
                    asyncio.run(serve_here(adb, wish, side))
    except NameTaken as error:
        # One that asked already was told what is in its way.
        # A phone is called by its model where nobody says how.
        asked = calling.name if adb is None or name is not None else "NAME"
        advice = "" if replace else _TAKING_OVER.format(name=asked)
        raise CommandFailed(f"{error}{advice}", error.exit_code) from error
    except AgentError as error:
        raise CommandFailed(str(error), error.exit_code) from error
    except MessageInvalid as error:
        raise CommandFailed(str(error), EXECUTION_EXIT_CODE) from error


async def _serve(way: Way, who: Who, kept: Kept, chosen: Chosen, spans: Spans) -> None:
    folder = kept.folder
    host, roots = _host_facts(who.emulated_by), Roots()
    gate_watch = GateWatch()
    # Before anything has warmed the processor up.
    gate_watch.look()
    with locked_state_folder(folder):
        runtimes = describe_runtimes(
            chosen.runtimes,
            command=CHILD_COMMAND,
            memory_limit_bytes=most_of_available_memory(),
            proc_root=roots.proc,
            children=chosen.children,
        )
        cache = ArtifactCache(folder / "artifacts", kept.cache_bytes)
        cache.trim()
        line, own_id = await line_to(way, folder)
        spool = Spool(folder / "spool.sqlite")
        introduction = Introduction(
            device_id=own_id,
            name=who.calling.name,
            labels=who.calling.labels,
            profile=read_device_profile(roots, host, runtimes),
            replace=who.replace,
        )
        connection = Connection(
            line=line,
            introduction=introduction,
            measurer=Measurer(runtimes=runtimes, gate_watch=gate_watch, children=chosen.children),
            cache=cache,
            spool=spool,
            kept=[folder, folder / "spool.sqlite"],
            now_unix_ms=now_unix_ms,
            connect_timeout_s=way.connect_timeout_s,
            spans=spans,
        )
        stop = stopped_by_signals()

        def on_connected() -> None:
            keep_calling(folder, who.calling)
            click.echo(f"connected to {line.address} as {who.calling.name} ({listed(runtimes)})")

        try:
            await connection.run(stop, on_connected)
        finally:
            spool.close()


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
