"""A board on this machine: OpenSSH's server on loopback, with its own home and commands."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.integration.access.conftest import Guarded, guarded_controller
from tests.pages import ROOT
from tests.processes import START_TIMEOUT_S, edgerank

USER: Final = "pi"
# Of a board's system, and nothing else that this machine has.
COMMANDS: Final = (
    *("sh", "uname", "id", "date", "getconf", "df", "awk", "dirname", "basename", "readlink"),
    *(
        "head",
        "tail",
        "cat",
        "mkdir",
        "mv",
        "rm",
        "ln",
        "tr",
        "grep",
        "sleep",
        "nohup",
        "wc",
        "sync",
    ),
)
_SETTINGS: Final = """
ListenAddress 127.0.0.1
Port {port}
HostKey {key}
AuthorizedKeysFile {authorized}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv PATH={path}
"""


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _commands(folder: Path) -> Path:
    folder.mkdir()
    for name in COMMANDS:
        found = shutil.which(name)
        assert found is not None, f"this machine has no {name}"
        (folder / name).symlink_to(found)
    return folder


def _start(board: Board, path: Sequence[Path]) -> subprocess.Popen[bytes]:
    """The server, once it answers."""
    users = board.folder / "passwd"
    users.write_text(
        f"{USER}:*:{os.getuid()}:{os.getgid()}::{board.home}:/bin/sh\n"
        "sshd:*:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    )
    groups = board.folder / "group"
    groups.write_text(f"{USER}:*:{os.getgid()}:\n")
    settings = board.folder / "sshd_config"
    settings.write_text(
        _SETTINGS.format(
            port=board.port,
            key=board.folder / "host_key",
            authorized=board.folder / "authorized_keys",
            path=":".join(map(str, path)),
        )
    )
    if os.getuid() == 0:
        # Where its half without rights is shut in; compiled into it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = os.environ["EDGERANK_SSHD"]
    log = (board.folder / "sshd.log").open("wb")
    server = subprocess.Popen(
        [program, "-D", "-e", "-f", settings],
        env={
            **os.environ,
            "NSS_WRAPPER_PASSWD": str(users),
            "NSS_WRAPPER_GROUP": str(groups),
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        assert server.poll() is None, (board.folder / "sshd.log").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", board.port)) == 0:
                return server
    raise AssertionError("the board's SSH server does not answer")


@contextmanager
def running_board(folder: Path, person: Path, path: Sequence[Path] = ()) -> Iterator[Board]:
    """A board at which the person may log in.

    `path` is where its commands are, besides those of its system.
    """
    folder.mkdir(parents=True)
    board = Board(folder, folder / "home", _free_port(), person)
    board.home.mkdir()
    make_key(folder / "host_key")
    shutil.copy(person / ".ssh/id_ed25519.pub", folder / "authorized_keys")
    server = _start(board, (_commands(folder / "bin"), *path))
    try:
        yield board
    finally:
        server.terminate()
        server.wait(timeout=START_TIMEOUT_S)


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
        patch.setenv("EDGERANK_SSHD", _server(kept))
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        yield home


def _server(cache: str) -> str:
    given = os.environ.get("EDGERANK_SSHD")
    if given:
        return given
    done = subprocess.run(
        [ROOT / "tools/openssh-server"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": cache},
    )
    return done.stdout.strip()


@pytest.fixture(scope="package")
def board(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board with the Python that these tests run in."""
    python = Path(sys.base_prefix) / "bin"
    with running_board(tmp_path_factory.mktemp("board") / "board", person, (python,)) as started:
        yield started
        edgerank("deploy", "remove", "ssh", *started.named, "--host-key", started.fingerprint())


@pytest.fixture(scope="package")
def fleet(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A controller with TLS; asked by its owner."""
    assert person.exists()
    with guarded_controller(tmp_path_factory.mktemp("fleet")) as started:
        yield started
