"""What is written on a board: a release, the agent's start, and what starts it again. All pure."""

import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.server.deploying.board import Board, Service
from protos.names import are_labels, is_device_name
from protos.runtimes import RUNNER, Runtime

UNIT: Final = "edgerank-agent.service"
_DIGEST_LETTERS: Final = 12
# Of what a version, a digest and a random ending are put together.
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"
_RELEASE: Final = re.compile(f"releases/({_NAME})")
_ENVIRONMENT: Final = re.compile(_NAME)

_UNIT: Final = """\
# Made by 'edgerank deploy ssh'; the next one writes it anew.
[Unit]
Description=edgerank agent
{after}
[Service]
Type=exec
ExecStart=/bin/sh {start}
UMask=0077
Restart=on-failure
RestartSec=10
# 2 is what only a person mends: a token that is worth nothing, a name that is taken.
RestartPreventExitStatus=2
# The measurement under way is given back.
TimeoutStopSec=30
KillMode=mixed
LimitNOFILE=4096
# A child that runs out of memory is a result, never the agent's end.
OOMPolicy=continue

# Accelerators, sensors and frequencies stay readable: no PrivateDevices, no ProtectKernelTunables.
# Cores and priorities are the agent's to set for its children.
NoNewPrivileges=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
{confined}
[Install]
WantedBy={wanted_by}
"""
_AFTER: Final = """\
Wants=network-online.target
After=network-online.target time-sync.target
"""
# What a user's systemd may not do without namespaces of users, which boards often lack.
_CONFINED: Final = """\
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths={base}
ProtectHome=true
PrivateTmp=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an agent that was deployed is told.

    Attributes:
        version: of edgerank.
        environment: folder of its environment, among `environments`.
        name: of the device.
        labels: of the device.
        runtimes: those that were installed for it.
        paddlelite_python: another Python of the board, which has Paddle Lite.
        paddlelite_bin: the board's own benchmark_bin of Paddle Lite.
        native_runner: folder of the native runner that it measures with, among `runners`.
    """

    version: str
    environment: str
    name: str
    labels: Mapping[str, str]
    runtimes: tuple[Runtime, ...]
    paddlelite_python: str | None = None
    paddlelite_bin: str | None = None
    native_runner: str | None = None


_SETTINGS: Final = TypeAdapter(Settings)


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is switched to as a whole.

    Attributes:
        release_id: of all of it: the same means that nothing changes.
        settings: as JSON.
        start: a script that becomes the agent.
        keeper: what starts it again: a unit of systemd, or a script.
    """

    release_id: str
    settings: str
    start: str
    keeper: str


def read_settings(text: str) -> Settings | None:
    """What a board says was deployed; None for what nobody of us wrote."""
    try:
        read = _SETTINGS.validate_json(text)
    except ValidationError:
        return None
    is_ours = is_device_name(read.name) and are_labels(read.labels)
    is_ours = is_ours and all(map(is_board_path, (read.paddlelite_python, read.paddlelite_bin)))
    named = (read.environment, read.version, read.native_runner)
    is_ours = is_ours and all(each is None or is_environment(each) for each in named)
    return read if is_ours else None


def read_release_id(link: str) -> str | None:
    """The release that a board says is the current one."""
    match = _RELEASE.fullmatch(link)
    return None if match is None else match[1]


def is_board_path(path: str | None) -> bool:
    """Whether it is none, or a whole path of a board."""
    return path is None or (path.startswith("/") and path.isprintable() and len(path) < 1_000)


def is_environment(name: str) -> bool:
    """Whether a board's folder may be an environment that we made."""
    return _ENVIRONMENT.fullmatch(name) is not None


def environment_key(version: str, wheel: bytes, python: str, runtimes: tuple[Runtime, ...]) -> str:
    """What an environment's folder begins with: the same means that the same is installed."""
    told = "\0".join((python, *sorted(each.value for each in runtimes)))
    return f"{version}-{_digest(wheel + told.encode())}"


def release_of(settings: Settings, board: Board) -> Release:
    """What is written for an agent with these settings."""
    written = json.dumps(
        {**asdict(settings), "runtimes": [each.value for each in settings.runtimes]},
        sort_keys=True,
    )
    start, keeper = _start(settings, board.base), keeper_of(board)
    digest = _digest("\0".join((written, start, keeper)).encode())
    return Release(
        release_id=f"{settings.version}-{digest}", settings=written, start=start, keeper=keeper
    )


def runner_folder(base: str, name: str) -> str:
    """Where a native runner is that was brought to a board."""
    return posixpath.join(base, "runners", name)


def keeper_path(board: Board) -> str:
    """Where what starts an agent again belongs."""
    return {
        Service.SCRIPT: posixpath.join(board.base, "supervise"),
        Service.USER: posixpath.join(board.home, ".config/systemd/user", UNIT),
        Service.SYSTEM: posixpath.join("/etc/systemd/system", UNIT),
    }[board.service]


def keeper_of(board: Board) -> str:
    """What starts an agent again on a board."""
    if board.service is Service.SCRIPT:
        return resources.files(__package__).joinpath("scripts/supervise.sh").read_text("utf-8")
    is_system = board.service is Service.SYSTEM
    return _UNIT.format(
        after=_AFTER if is_system else "",
        start=_quoted(posixpath.join(board.base, "current/agent"), variables=True),
        confined=_CONFINED.format(base=_quoted(board.base)) if is_system else "",
        wanted_by="multi-user.target" if is_system else "default.target",
    )


def _start(settings: Settings, base: str) -> str:
    labels = (f"--label={key}={value}" for key, value in sorted(settings.labels.items()))
    token, current = posixpath.join(base, "token"), posixpath.join(base, "current")
    runner = settings.native_runner
    there = {
        "--paddlelite-python": settings.paddlelite_python,
        "--paddlelite-bin": settings.paddlelite_bin,
        "--native-runner": runner and posixpath.join(runner_folder(base, runner), RUNNER),
    }
    named = (f"{option}={path}" for option, path in there.items() if path is not None)
    command = shlex.join(
        (
            *("set", "--", "agent", "--name", settings.name, *labels),
            *named,
            *("--state", posixpath.join(base, "state")),
            *("--log-format", "json", "--connect-timeout", "60"),
        )
    )
    program = posixpath.join(base, "environments", settings.environment, "bin/edgerank")
    return f"""\
# Made by 'edgerank deploy ssh': becomes the agent of this release.
umask 077
readlink {shlex.quote(current)} >{shlex.quote(posixpath.join(base, "running"))}
{command}
[ ! -s {shlex.quote(token)} ] || set -- "$@" --join {shlex.quote("@" + token)}
exec {shlex.quote(program)} "$@"
"""


def _quoted(path: str, *, variables: bool = False) -> str:
    """A path as systemd reads it: % begins a specifier and, in commands, $ a variable."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if variables else escaped}"'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LETTERS]
