"""Whom a board is: its host key, known before, or asked for and remembered."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncssh

from controller.domain.errors import EdgerankError, ErrorCode

_SSH_PORT: Final = 22


@dataclass(frozen=True)
class HostKey:
    """A key that a host showed.

    Attributes:
        host: as known_hosts names it, with its port where that is not 22.
        algorithm: as ssh-ed25519.
        fingerprint: as OpenSSH prints it, SHA256 and 43 letters.
        letters: the key as known_hosts has it.
    """

    host: str
    algorithm: str
    fingerprint: str
    letters: str

    @property
    def line(self) -> str:
        """What known_hosts says of it."""
        return f"{self.host} {self.algorithm} {self.letters}\n"


@dataclass(frozen=True)
class KnownHosts:
    """The files of hosts that are known, and how one host is called in them.

    Attributes:
        files: those that are there.
        kept: where a host that is new is remembered.
        host: its name there.
        port: where it listens; None for 22.
    """

    files: tuple[str, ...]
    kept: Path
    host: str
    port: int | None

    @classmethod
    def of(cls, options: Any) -> "KnownHosts":
        """As ~/.ssh/config and its defaults say; "none" there hides no change of a key."""
        named = [Path(each).expanduser() for each in options.known_hosts or ()]
        files = named or [Path("~/.ssh/known_hosts").expanduser()]
        port = None if options.port == _SSH_PORT else options.port
        host = options.host_key_alias or options.host
        there = tuple(str(each) for each in files if os.access(each, os.R_OK))
        return cls(there, files[0], host, port)

    def as_asyncssh_takes_them(self) -> list[str] | bytes:
        """The files, or that nobody is known; never that nobody is asked."""
        return list(self.files) or b""

    def offered(self, key: asyncssh.SSHKey, address: str) -> HostKey:
        """A key that the host at an address showed."""
        algorithm, letters, *_comment = key.export_public_key("openssh").decode().split()
        host = self.host or address
        named = host if self.port is None else f"[{host}]:{self.port}"
        return HostKey(named, algorithm, key.get_fingerprint("sha256"), letters)

    def check(self, offered: HostKey, address: str) -> None:
        """Refuses another key of a host that is known.

        Raises:
            EdgerankError: NOT_ALLOWED.
        """
        for file in self.files:
            keys, authorities, revoked, *_others = asyncssh.match_known_hosts(
                file, self.host, address, self.port
            )
            if keys or authorities or revoked:
                raise EdgerankError(
                    ErrorCode.NOT_ALLOWED,
                    f"the host key of {offered.host} changed to {offered.fingerprint}: another "
                    "machine may pose as it; if it was installed anew, forget the old key with "
                    # Brackets are a shell's own signs.
                    f"""'ssh-keygen -R "{offered.host}" -f "{file}"', and run the same """
                    "command again",
                )

    def remember(self, offered: HostKey) -> None:
        """Adds a key to what is known.

        Raises:
            EdgerankError: STORAGE.
        """
        try:
            self.kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.kept, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                written = file.read()
                separator = b"\n" if written and not written.endswith(b"\n") else b""
                file.write(separator + offered.line.encode())
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"the key of {offered.host} cannot be kept in {self.kept} ({error.strerror}); "
                "make it writable",
            ) from error


def unknown_key_refused(where: str, why: str) -> EdgerankError:
    """What is said of a host that nobody vouches for."""
    return EdgerankError(
        ErrorCode.NOT_ALLOWED,
        f"{where} is not known yet ({why}); read the fingerprint on the board itself with "
        "'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub', and give it with --host-key, or "
        "answer on a terminal",
    )
