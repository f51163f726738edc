"""A board on this machine: OpenSSH's server on loopback, with its own home and commands."""

import os
import shutil
import socketserver
import subprocess
import sys
import sysconfig
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.integration.access.conftest import Guarded, guarded_controller
from tests.pages import ROOT
from tests.processes import edgerank

USER: Final = "pi"
# Of a board's system, and nothing else that this machine has.
COMMANDS: Final = (
    *("sh", "uname", "id", "date", "getconf", "df", "awk", "dirname", "basename", "readlink"),
    *("head", "tail", "cat", "mkdir", "mv", "rm", "ln", "tr", "grep", "sleep", "nohup", "wc"),
    *("sync", "sha256sum", "tar", "gzip", "chmod"),
)
# The bytecode of what no agent imports takes longer than all else of an installation.
_SETTINGS: Final = """
HostKey {key}
AuthorizedKeysFile {authorized}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv PATH={path} PIP_NO_COMPILE=1
"""


_TOOLS: Final = {
    "EDGERANK_SSHD": ("tools/openssh-server",),
    "EDGERANK_AARCH64": ("tools/aarch64-userland",),
    "EDGERANK_NATIVE": ("tools/native", "x86_64", "aarch64"),
}


@dataclass(frozen=True)
class Board:
    """A machine to log in at.

    Attributes:
        folder: of all of it.
        home: of its user.
        port: where its server listens.
        person: home folder of who deploys, on this side.
    """

    folder: Path
    home: Path
    port: int
    person: Path

    @property
    def named(self) -> tuple[str, ...]:
        """How a command is told which board is meant."""
        return (f"{USER}@127.0.0.1", "--port", str(self.port))

    @property
    def base(self) -> Path:
        """Folder of all that is deployed."""
        return self.home / ".edgerank"

    def fingerprint(self) -> str:
        """Of its host key, as it says itself."""
        printed = _keygen("-lf", self.folder / "host_key.pub")
        return printed.split()[1]

    def known(self) -> str:
        """What this side knows of hosts."""
        path = self.person / ".ssh/known_hosts"
        return path.read_text() if path.exists() else ""

    def says(self, command: str, script: str) -> None:
        """One of its own commands is this script of a shell from now on."""
        path = self.folder / "bin" / command
        path.unlink()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def forget(self) -> None:
        """This side knows no host any more."""
        (self.person / ".ssh/known_hosts").unlink(missing_ok=True)

    def trust(self) -> None:
        """This side knows the board."""
        algorithm, letters, *_ = (self.folder / "host_key.pub").read_text().split()
        known = f"[127.0.0.1]:{self.port} {algorithm} {letters}\n"
        (self.person / ".ssh/known_hosts").write_text(known)


def _keygen(*arguments: str | Path) -> str:
    return subprocess.run(
        ["ssh-keygen", *arguments], check=True, capture_output=True, text=True
    ).stdout


def make_key(path: Path) -> None:
    """A pair of keys, the public one beside it."""
    path.unlink(missing_ok=True)
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", "a test", "-f", path)


def pack_python(path: Path) -> Path:
    """The Python that these tests run in, packed as one that runs wherever it is unpacked."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    link = tarfile.TarInfo("python/bin/python3")
    link.type, link.linkname = tarfile.SYMTYPE, name
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        program = Path(sys.base_prefix, "bin", name).resolve()
        archive.add(program, f"python/bin/{name}")
        archive.addfile(link)
        archive.add(sysconfig.get_path("stdlib"), f"python/lib/{name}", filter=_of_a_board)
    return path


def _of_a_board(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = set(Path(member.name).parts)
    left_out = {"__pycache__", "ensurepip", "idlelib", "lib2to3", "site-packages", "test"}
    return None if parts & left_out or "/config-" in member.name else member


def _commands(folder: Path) -> Path:
    folder.mkdir()
    for name in COMMANDS:
        found = shutil.which(name)
        assert found is not None, f"this machine has no {name}"
        (folder / name).symlink_to(found)
    return folder


class _Listener(socketserver.ThreadingTCPServer):
    """Starts OpenSSH's server for each connection, as inetd does: the port is never another's."""

    daemon_threads = True

    def __init__(self, settings: Path, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.environment = environment
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        settings = self.server.settings
        with (settings.parent / "sshd.log").open("ab") as log:
            subprocess.run(
                [os.environ["EDGERANK_SSHD"], "-i", "-e", "-f", settings],
                env=self.server.environment,
                stdin=self.request,
                stdout=self.request,
                stderr=log,
                check=False,
            )


def _written(folder: Path, home: Path, shell: Path, path: Sequence[Path]) -> _Listener:
    """The server of a board."""
    users = folder / "passwd"
    users.write_text(
        f"{USER}:*:{os.getuid()}:{os.getgid()}::{home}:{shell}\n"
        "sshd:*:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    )
    groups = folder / "group"
    groups.write_text(f"{USER}:*:{os.getgid()}:\n")
    settings = folder / "sshd_config"
    settings.write_text(
        _SETTINGS.format(
            key=folder / "host_key",
            authorized=folder / "authorized_keys",
            path=":".join(map(str, path)),
        )
    )
    if os.getuid() == 0:
        # Where its half without rights is shut in; compiled into it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    named = {"NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
    return _Listener(settings, {**os.environ, **named})


@contextmanager
def running_board(
    folder: Path,
    person: Path,
    path: Sequence[Path] = (),
    *,
    system: Path | None = None,
    shell: Path | None = None,
) -> Iterator[Board]:
    """A board at which the person may log in.

    `path` is where its commands are, besides those of its system; `system` a folder of these and of
    its shell, in the place of a handful of this machine's; `shell` what a login starts.
    """
    folder.mkdir(parents=True)
    home = folder / "home"
    home.mkdir()
    make_key(folder / "host_key")
    shutil.copy(person / ".ssh/id_ed25519.pub", folder / "authorized_keys")
    shell = shell or (Path("/bin/sh") if system is None else system / "sh")
    folders = ((system or _commands(folder / "bin")), *path)
    with _written(folder, home, shell, folders) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Board(folder, home, server.server_address[1], person)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="package")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of who deploys, with a key; no agent of keys, nor files of whoever tests."""
    home = tmp_path_factory.mktemp("person")
    (home / ".ssh").mkdir(mode=0o700)
    make_key(home / ".ssh/id_ed25519")
    kept = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    with pytest.MonkeyPatch.context() as patch:
        # What was downloaded once.
        patch.setenv("PIP_CACHE_DIR", os.environ.get("PIP_CACHE_DIR", f"{kept}/pip"))
        for name, tool in _TOOLS.items():
            patch.setenv(name, os.environ.get(name) or _made(*tool, cache=kept))
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        yield home


def _made(tool: str, *arguments: str, cache: str) -> str:
    """What a tool makes that `make test` has named."""
    done = subprocess.run(
        [ROOT / tool, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": cache},
    )
    return done.stdout.strip()


@pytest.fixture(scope="package")
def board(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board without a Python of its own."""
    with running_board(tmp_path_factory.mktemp("board") / "board", person) as started:
        yield started
        edgerank("deploy", "remove", "ssh", *started.named, "--host-key", started.fingerprint())


@pytest.fixture(scope="package")
def fleet(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A controller with TLS; asked by its owner."""
    assert person.exists()
    with guarded_controller(tmp_path_factory.mktemp("fleet")) as started:
        yield started
