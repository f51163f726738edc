"""A connection to a board: our scripts run there, files are written, nothing it says is run."""

import asyncio
import posixpath
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import asyncssh

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.host_keys import HostKey, KnownHosts, unknown_key_refused
from protos.names import printable

CONNECT_S: Final = 20.0
QUICK_S: Final = 60.0
"""How long what a board does at once may take."""
LONG_S: Final = 1_800.0
"""How long may be sent or installed."""
_KEEPALIVE_S: Final = 15.0
_SHOWN_LETTERS: Final = 300
_KEPT_BYTES: Final = 1 << 20
# For its owner alone, and whole or not there at all.
_WRITE: Final = 'umask 077; mkdir -p "$(dirname "$1")" && cat >"$1.part" && mv -f "$1.part" "$1"'

Trust = Callable[[HostKey], bool]
"""Whether a key is taken of a host that was not known so far."""


@dataclass(frozen=True)
class Target:
    """How a board is reached; what is None, ~/.ssh/config says.

    Attributes:
        host: its name, address, or alias in ~/.ssh/config.
        user: who logs in there.
        port: where its SSH server listens.
        identity: file of the private key.
        host_key: fingerprint that its host key has to have.
    """

    host: str
    user: str | None = None
    port: int | None = None
    identity: Path | None = None
    host_key: str | None = None

    @property
    def spelt(self) -> str:
        """As people write it."""
        return self.host if self.user is None else f"{self.user}@{self.host}"

    def arguments(self) -> dict[str, Any]:
        """What asyncssh is told; no password is ever asked for."""
        told: dict[str, Any] = {"host": self.host, "preferred_auth": "publickey"}
        if self.user is not None:
            told["username"] = self.user
        if self.port is not None:
            told["port"] = self.port
        if self.identity is not None:
            told["client_keys"] = [str(self.identity)]
            # One with a passphrase may be in the agent, which is asked as well.
            told["ignore_encrypted"] = True
        return told


@dataclass(frozen=True)
class Said:
    """What a script ended with."""

    code: int
    out: str
    err: str

    def last_words(self) -> str:
        """The last line of it, as it may be shown."""
        lines = [line.strip() for line in (*self.out.splitlines(), *self.err.splitlines())]
        words = next((line for line in reversed(lines) if line), "it said nothing")
        return printable(words)[:_SHOWN_LETTERS]


@dataclass(frozen=True)
class Shell:
    """A board that somebody is logged in at."""

    connection: asyncssh.SSHClientConnection
    where: str

    async def run(self, script: str, *arguments: str, timeout_s: float = QUICK_S) -> Said:
        """Runs one of our scripts there, which may end with any code.

        Raises:
            EdgerankError: UNREACHABLE when the connection breaks or it takes too long.
        """
        text = resources.files(__package__).joinpath(f"scripts/{script}.sh").read_text("utf-8")
        command = shlex.join(("sh", "-s", "--", *arguments))
        # Read whole before it begins, so that nothing that it starts reads the rest of it.
        block = f"{{\n{text}\n}} </dev/null\n"
        return await self._run(command, timeout_s, content=block.encode())

    async def ask(self, script: str, *arguments: str, timeout_s: float = QUICK_S) -> str:
        """What one of our scripts prints, which has to succeed.

        Raises:
            EdgerankError: EXECUTION with its last words, UNREACHABLE.
        """
        said = await self.run(script, *arguments, timeout_s=timeout_s)
        if said.code != 0:
            raise EdgerankError(
                ErrorCode.EXECUTION,
                f"{self.where} could not {script} ({said.last_words()}); put that right there, "
                "and run the same command again",
            )
        return said.out

    async def write(self, path: str, content: str) -> None:
        """Writes a file there, for its owner alone; it takes its place when it is whole."""
        await self._fill(path, QUICK_S, content=content.encode())

    async def send(self, source: Path, folder: str) -> None:
        """Sends a file of this side into a folder there."""
        await self._fill(posixpath.join(folder, source.name), LONG_S, content=source)

    async def _fill(self, path: str, timeout_s: float, content: bytes | Path) -> None:
        command = shlex.join(("sh", "-c", _WRITE, "sh", path))
        said = await self._run(command, timeout_s, content)
        if said.code != 0:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"{path} cannot be written on {self.where} ({said.last_words()}); make room there, "
                "or let your user write",
            )

    async def _run(self, command: str, timeout_s: float, content: bytes | Path) -> Said:
        with _broken(self.where):
            said = await asyncio.wait_for(self._converse(command, content), timeout_s)
        if said is None:
            raise _lost(self.where, "it ended while it worked")
        return said

    async def _converse(self, command: str, content: bytes | Path) -> Said | None:
        given = {"stdin": str(content)} if isinstance(content, Path) else {}
        async with self.connection.create_process(
            command, encoding=None, request_pty=False, **given
        ) as process:
            if isinstance(content, bytes):
                process.stdin.write(content)
                process.stdin.write_eof()
            out, err = await asyncio.gather(_heard(process.stdout), _heard(process.stderr))
            await process.wait_closed()
            code = process.exit_status
        return None if code is None else Said(code, out, err)


@asynccontextmanager
async def logged_in(target: Target, trust: Trust) -> AsyncIterator[Shell]:
    """A board that this user's keys or agent open, whose host key is known or trusted.

    Raises:
        EdgerankError: UNREACHABLE, NOT_ALLOWED for a host key or a login that is refused,
            INVALID_INPUT for what cannot be read of ~/.ssh.
    """
    connection = await _dial(target, trust)
    try:
        _check_pinned(target, connection.get_server_host_key())
        yield Shell(connection, target.spelt)
    finally:
        connection.close()
        with suppress(OSError, asyncio.TimeoutError, asyncssh.Error):
            await asyncio.wait_for(connection.wait_closed(), CONNECT_S)


class _Witness(asyncssh.SSHClient):
    """Remembers a key that nobody vouches for, and takes the one that a person trusts."""

    def __init__(self, trusted: asyncssh.SSHKey | None) -> None:
        self.trusted = trusted
        self.seen: tuple[asyncssh.SSHKey, str] | None = None

    def validate_host_public_key(
        self,
        host: str,  # noqa: ARG002 - asyncssh passes it
        addr: str,
        port: int,  # noqa: ARG002 - asyncssh passes it
        key: asyncssh.SSHKey,
    ) -> bool:
        """Whether it is the trusted one."""
        self.seen = (key, addr)
        return key == self.trusted


async def _dial(target: Target, trust: Trust) -> asyncssh.SSHClientConnection:
    with _broken(target.spelt):
        options = await asyncssh.SSHClientConnectionOptions.construct(**target.arguments())
        known = KnownHosts.of(options)
    witness = _Witness(None)
    try:
        return await _connect(target, known, witness)
    except asyncssh.HostKeyNotVerifiable as error:
        if witness.seen is None:
            raise unknown_key_refused(target.spelt, str(error)) from error
        key, address = witness.seen
    offered = known.offered(key, address)
    known.check(offered, address)
    _check_pinned(target, key)
    if target.host_key is None and not trust(offered):
        raise unknown_key_refused(target.spelt, f"its key is {offered.fingerprint}")
    known.remember(offered)
    try:
        return await _connect(target, known, _Witness(key))
    except asyncssh.HostKeyNotVerifiable as error:
        raise unknown_key_refused(target.spelt, "it showed another key just now") from error


def _check_pinned(target: Target, key: asyncssh.SSHKey | None) -> None:
    shown = "none" if key is None else key.get_fingerprint("sha256")
    if target.host_key is not None and shown != target.host_key:
        raise EdgerankError(
            ErrorCode.NOT_ALLOWED,
            f"the host key of {target.spelt} is {shown} and not {target.host_key}: another machine "
            "may pose as it; read the fingerprint on the board itself",
        )


async def _connect(
    target: Target, known: KnownHosts, witness: _Witness
) -> asyncssh.SSHClientConnection:
    with _broken(target.spelt):
        return await asyncssh.connect(
            **target.arguments(),
            known_hosts=known.as_asyncssh_takes_them(),
            client_factory=lambda: witness,
            connect_timeout=CONNECT_S,
            login_timeout=CONNECT_S,
            keepalive_interval=_KEEPALIVE_S,
            # A board may not use the keys of who brings it something, whatever ~/.ssh/config says.
            agent_forwarding=False,
        )


@contextmanager
def _broken(where: str) -> Iterator[None]:
    """Turns what SSH fails with into a failure of ours, but for a host key, which has its own."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable:
        raise
    except (asyncssh.PermissionDenied, asyncssh.IllegalUserName) as error:
        raise EdgerankError(
            ErrorCode.NOT_ALLOWED,
            f"{where} takes none of your keys; see that 'ssh {where}' logs in without a password "
            "('ssh-copy-id' installs a key, 'ssh-add' opens one that has a passphrase), or name a "
            "key with --identity",
        ) from error
    except asyncssh.TimeoutError as error:
        raise _lost(where, "it did not answer in time") from error
    except (asyncssh.KeyImportError, asyncssh.ConfigParseError, ValueError) as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"what is set up for {where} in ~/.ssh cannot be read ({printable(str(error))}); put "
            "it right, or name a key with --identity",
        ) from error
    except (OSError, asyncio.TimeoutError, asyncssh.Error) as error:
        raise _lost(where, printable(str(error)) or "no answer in time") from error


def _lost(where: str, why: str) -> EdgerankError:
    return EdgerankError(
        ErrorCode.UNREACHABLE,
        f"{where} cannot be reached by SSH ({why[:_SHOWN_LETTERS]}); see that it is on, that "
        f"'ssh {where}' works, and run the same command again",
    )


async def _heard(stream: asyncssh.SSHReader[bytes]) -> str:
    """What comes, of which no more is kept than anybody reads."""
    kept = bytearray()
    while part := await stream.read(_KEPT_BYTES):
        kept += part[: _KEPT_BYTES - len(kept)]
    return kept.decode(errors="replace")
